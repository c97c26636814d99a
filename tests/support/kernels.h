// Kernels as their authors write them, for tests of extraction and fusion. A port is the number of a tensor,
// in every role.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "kernel/kernel.h"

namespace intarsia::kernel {

using Values = std::vector<ValueId>;

// How a plugin on 1-D pointers reads a tensor, of the element i it writes in a space of M x N.
enum class At {
  kSame,
  kColumn,
  kRow,
  kChannel,
  kChannelNested,
  kNext,
  kReversed,
  kTransposed,
  kOther,
  kZero,
  kStride2,
  kProgram
};
struct Port {
  std::uint32_t port;
  DType dtype;
  Shape shape;
  At at = At::kSame;
};
struct Symbols {
  Dim m = Dim::symbol("M", {.min = 0, .max = 1 << 12}), n = Dim::symbol("N", {.min = 0, .max = 1 << 12});
  Dim k = Dim::symbol("K", {.min = 0, .max = 1 << 12}),
      k16 = Dim::symbol("K16", {.min = 0, .max = 1 << 12, .multiple = 16});
  Dim b = Dim::symbol("B", {.min = 0, .max = 64});
};
const Symbols kDims;

struct PluginOptions {
  std::int64_t width = 64;
  Dim n = Dim(-1), columns = kDims.n, rows = kDims.m,
      grid = Dim(-1);  // -1: from the output's number of elements
  bool store_mask = true, data_mask = false, shorter_load = false, in_place = false, loop = false,
       gather = false, twice = false;
  DType index = DType::kI64;
};
using Body = std::function<Values(Builder&, Values loaded, ValueId position)>;

Kernel plugin(std::string name, const std::vector<Port>& ins, const std::vector<Port>& outs, const Body& body,
              const PluginOptions& o = {});
// Pointers in blocks of two axes, r*N + c, masked r < M & c < N; `swapped`: program 0 walks the columns.
Kernel plugin_2d(std::string name, const std::vector<Port>& ins, const std::vector<Port>& outs,
                 const Body& body, std::int64_t bm = 16, std::int64_t bn = 8, bool swapped = false);
// Views of two axes.
Kernel views_2d(std::string name, const std::vector<Port>& ins, const std::vector<Port>& outs,
                const Body& body, std::int64_t bm = 8, std::int64_t bn = 16, bool swapped = false);
Kernel twice_3d(const Port& x, const Port& y);  // y = x + x on views, blocks of 2 x 4 x 8
Kernel matmul(const Port& a, const Port& b, const Port& c, bool b_transposed = false, std::int64_t bm = 32,
              std::int64_t bn = 32, std::int64_t bk = 16);
Kernel softmax(const Port& x, const Port& y, bool loop, std::int64_t width);
Kernel row_sum(const Port& x, const Port& y, std::int64_t bm = 8, std::int64_t bn = 32);  // [M, N] -> [M, 1]

// Bodies.
ValueId number(Builder& b, double v, ValueId like);
Values scale_relu(Builder& b, Values x, ValueId);
Values gelu(Builder& b, Values x, ValueId);
Values add(Builder& b, Values x, ValueId);
Values multiply(Builder& b, Values x, ValueId);
Values dequantize(Builder& b, Values x, ValueId);  // (q - zero) * scale: not 0 for q = 0
Values exponential(Builder& b, Values x, ValueId);

std::uint32_t param_of(const Kernel& k, Role role, std::uint32_t port);

}  // namespace intarsia::kernel
