// AutoTuneCombination: which dtypes, layouts and tactics of a plugin exist, in a small grammar.
//
//   list   := entry ("," entry)*          one entry per input, then per output
//   entry  := name | name ("|" name)+ | name ("*" name)+
//
// The k-th alternatives of all "|" entries go together (an entry of one name goes with each); "*" entries
// multiply. Names of dtypes are TensorRT's (FP32, BF16, INT64, ...) or ours (f32, bf16, i64, ...); spaces may
// stand anywhere between names. A list of layouts with one entry serves every port.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"

namespace intarsia::plugins {

struct PortChoice {
  DType dtype{};
  std::string layout = "LINEAR";
  bool operator==(const PortChoice&) const = default;
};
struct TunedPorts {               // one expansion
  std::vector<PortChoice> ports;  // inputs, then outputs; empty: whatever the graph has
  std::vector<std::int64_t> tactics;
};

class AutoTuneCombination {
 public:
  AutoTuneCombination() = default;
  explicit AutoTuneCombination(std::string io_types, std::string layouts = "LINEAR",
                               std::vector<std::int64_t> tactics = {});

  // Entries of these ports; UserError: a port given twice.
  AutoTuneCombination& pos(std::span<const std::int64_t> ports, std::string_view io_types,
                           std::string_view layouts = "LINEAR");
  AutoTuneCombination& pos(std::int64_t port, std::string_view io_types,
                           std::string_view layouts = "LINEAR") {
    return pos(std::span(&port, 1), io_types, layouts);
  }
  AutoTuneCombination& tactics(std::vector<std::int64_t> ids);  // UserError: 0, negative, twice
  const std::vector<std::int64_t>& tactics() const { return tactics_; }

  // Every choice this stands for. UserError, with the column: unknown name, entries that do not go together,
  // not one entry per port.
  std::vector<TunedPorts> expand(std::size_t inputs, std::size_t outputs) const;

 private:
  struct Entry {
    std::string types, layouts;
  };
  std::string io_types_, layouts_ = "LINEAR";
  std::vector<std::pair<std::int64_t, Entry>> entries_;  // of pos()
  std::vector<std::int64_t> tactics_;
};

// All combinations of a plugin, equal choices united: first seen, first; their tactics in order of
// appearance.
std::vector<TunedPorts> expand(std::span<const AutoTuneCombination> combinations, std::size_t inputs,
                               std::size_t outputs);

DType dtype_of_trt(std::string_view name);  // 0: unknown
std::string_view trt_name(DType dtype);     // "FP32"; empty: TensorRT has none

}  // namespace intarsia::plugins
