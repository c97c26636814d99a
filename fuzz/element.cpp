// Bytes as a pointwise kernel: what extract makes of it must compute the same bits when it is tiled.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "kernel/interpret.h"
#include "kernel/vocabulary.h"
#include "schedule/place.h"

namespace {

using namespace intarsia;
using namespace intarsia::kernel;

class Bytes {
 public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  unsigned next(unsigned below) { return at_ < size_ ? data_[at_++] % below : 0; }
  bool left() const { return at_ < size_; }

 private:
  const std::uint8_t* data_;
  std::size_t size_, at_ = 0;
};

constexpr std::int64_t kRows = 5, kColumns = 7;
const Dim kN = Dim::symbol("N", {.min = 1, .max = 1000});

// Two inputs [5, N] and [N], read at positions the bytes say, any arithmetic between, one output [5, N].
Kernel kernel_of(Bytes& bytes) {
  Kernel k;
  k.name = "fuzzed";
  Builder b(k);
  Vocabulary v(b);
  constexpr DType kTypes[] = {DType::kF32, DType::kI32, DType::kF16, DType::kU8, DType::kI64};
  const DType t = kTypes[bytes.next(5)], out = kTypes[bytes.next(5)];
  const auto tensor = [&](const char* name, Role role, std::uint32_t port, DType dtype, Shape extents) {
    Param& p = b.param(name, role, port, pointer(dtype));
    p.extents = std::move(extents);
    return p.value;
  };
  const ValueId x = tensor("x", Role::kInput, 0, t, {kRows, kN}), y = tensor("y", Role::kInput, 1, t, {kN});
  const ValueId z = tensor("z", Role::kOutput, 0, out, {kRows, kN});
  const std::int64_t width = 1 + bytes.next(40);
  const ValueId n = b.dim(kN), i = v.binary(BinaryOp::kAdd, v.binary(BinaryOp::kMul, b.program_id(0), width),
                                            v.arange(0, width));
  const ValueId inside = v.binary(BinaryOp::kLess, i, v.binary(BinaryOp::kMul, n, kRows));
  const ValueId column = v.binary(BinaryOp::kRemainder, i, n), row = v.binary(BinaryOp::kFloorDivide, i, n);
  std::vector<ValueId> values = {v.load(v.binary(BinaryOp::kAdd, x, i), inside),
                                 v.load(v.binary(BinaryOp::kAdd, y, column), inside), row, column};
  const auto any = [&] { return values[bytes.next(static_cast<unsigned>(values.size()))]; };
  while (bytes.left() && values.size() < 60) {
    try {
      const unsigned what = bytes.next(32);
      if (what < 22)
        values.push_back(v.binary(static_cast<BinaryOp>(what), any(), any()));
      else if (what < 26)
        values.push_back(v.cast(any(), kTypes[bytes.next(5)]));
      else if (what < 28)
        values.push_back(v.where(any(), any(), any()));
      else
        values.push_back(v.unary(static_cast<Fn>(bytes.next(15)), any()));
    } catch (const UserError&) {}
  }
  v.store(v.binary(BinaryOp::kAdd, z, i), values.back(), inside);
  k.grid = {cdiv(kN * kRows, width), 1, 1};
  verify(k);
  return k;
}

std::vector<unsigned char> run(const Kernel& k) {
  std::vector<std::vector<unsigned char>> memory;
  std::vector<HostTensor> tensors;
  std::vector<std::pair<Role, std::uint32_t>> seen;
  for (const Param& p : k.params) {
    const auto key = std::pair(p.role, p.port);
    if (!is_memory(p.role) || std::ranges::find(seen, key) != seen.end()) continue;
    seen.push_back(key);
    const std::int64_t count = p.role == Role::kInput && p.port == 1 ? kColumns : kRows * kColumns;
    memory.emplace_back(static_cast<std::size_t>(count) * 8);
    for (std::size_t n = 0; n < memory.back().size(); ++n)
      memory.back()[n] = static_cast<unsigned char>(p.role == Role::kInput ? n * 37 + p.port : 0);
    tensors.push_back({p.role, p.port, k.type(p.value).dtype, count, memory.back().data()});
  }
  interpret(k, tensors, {{"N", kColumns}});
  for (std::size_t n = 0; n < tensors.size(); ++n)
    if (tensors[n].role == Role::kOutput) return memory[n];
  return {};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  const Kernel k = kernel_of(bytes);
  check(print(parse(print(k))) == print(k), "text parses to what it prints");
  Element e;
  const std::string why = extract(k, e);
  if (!why.empty()) return 0;  // positions that were computed on and left what is provable
  const std::int64_t block[] = {16};
  check(run(schedule::tile(e, block)) == run(k), "the function computes the bits of its kernel");
  return 0;
}
