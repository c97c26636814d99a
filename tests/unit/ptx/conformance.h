// Cases of tests/ptx/conformance: tables of single instructions, and whole kernels with what they must write.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "ptx/launch.h"
#include "ptx/tensor_map.h"

namespace intarsia::ptx::test {

enum class Dialect : std::uint8_t { kTyped, kUntyped };  // nvcc's registers, LLVM's

struct Expected {
  enum class Kind : std::uint8_t { kBits, kNan, kAny } kind = Kind::kBits;
  std::uint64_t bits = 0;
};

// One line of a table: an instruction (or a few) over placeholders, and sets of values, one a lane.
struct TableCase {
  struct Hole {
    char role = 'i';  // i: argument, o: result, m s: a cell of global or shared memory, which is both
    std::string type;
  };
  struct Set {
    std::vector<std::uint64_t> arguments;
    std::vector<Expected> results;
  };
  std::string form;  // the text before the first '|'
  std::vector<Hole> holes;
  std::vector<Set> sets;
  int line = 0;
};
std::vector<TableCase> read_table(const std::filesystem::path& path);

constexpr int kTemplateLine = 6;  // of the text: where the instruction under test stands
// The kernel around it. `broken`: the first hole becomes a register of another kind.
std::string kernel_of(const TableCase& c, Dialect dialect, bool broken = false);
// What is wrong with the results, "" if nothing.
std::string failure_of(const TableCase& c, Dialect dialect);

// A file whose lines "//! …" say how it is launched, what it reads, and what it must write or be reported
// for.
struct KernelCase {
  std::string text;
  LaunchConfig config;
  std::vector<std::uint32_t> in;
  std::vector<Expected> out;
  std::vector<std::string> reports;  // "trap@12"
  // "//! map in u32 8,4 box 4,2": a third parameter, the map of `in` or `out`, its fastest dimension first.
  std::optional<TensorMapSpec> map;
  bool map_of_out = false;
};
KernelCase read_kernel(const std::filesystem::path& path);
std::string untyped(std::string text);
std::string failure_of(const KernelCase& c, Dialect dialect);

}  // namespace intarsia::ptx::test
