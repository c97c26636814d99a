// Matrix products of blocks: operands packed once, register tiles over them.
//
// a becomes rows of k, b becomes panels of `columns` adjacent columns, [panel][k][column], both in the dtype
// of the sum. A register tile holds rows x columns sums while k runs.
#include <algorithm>

#include "base/convert.h"
#include "base/error.h"
#include "target/cpu/emitter.h"

namespace intarsia::target::cpu {
namespace {

constexpr int kUnrollK = 4;

// Rows of a register tile: as many as registers allow, unless fewer divide m and the rest would weigh.
std::int64_t tile_rows(std::int64_t m, std::int64_t most) {
  if (m >= 8 * most) return most;
  for (std::int64_t rows = std::min(m, most); rows * 2 > std::min(m, most); --rows)
    if (m % rows == 0) return rows;
  return std::min(m, most);
}

}  // namespace

struct Emitter::Product {
  DType sum;  // dtype of products and sums
  std::int64_t m, n, k;
  std::int64_t rows = 0, columns = 0;                // of a register tile
  int width = 0;                                     // lanes of a vector
  Value *a = nullptr, *b = nullptr, *acc = nullptr;  // packed operands; row-major sums
};

Emitter::Product Emitter::plan_product(const Inst& inst) {
  const auto in = k_.operands_of(inst);
  const Type &a = k_.type(in[0]), &acc = k_.type(in[2]);
  const std::size_t r = acc.rank;
  Product p{.sum = acc.dtype, .m = acc.extents[r - 2], .n = acc.extents[r - 1], .k = a.extents[r - 1]};
  if (is_float(p.sum) && p.sum != DType::kF64) p.sum = DType::kF32;
  if (p.sum == DType::kBool || bits(p.sum) < 32)
    refuse(inst, "products are summed in i32, i64, f16, bf16, f32 or f64");
  p.width = lanes_.features.vector_bytes / (bits(p.sum) / 8);
  p.columns = 2 * std::int64_t{p.width};
  p.rows = tile_rows(p.m, lanes_.features.avx512 ? 14 : 6);
  llvm::Type* element = lanes_.memory_type(p.sum);
  p.a = local(element, p.m * p.k + 64, 64);
  p.b = local(element, (p.n + p.columns - 1) / p.columns * p.columns * p.k + 64, 64);
  return p;
}

void Emitter::dot(InstId id) {
  const Inst& inst = k_[id];
  const auto in = k_.operands_of(inst);
  const Type& acc = k_.type(in[2]);
  const ValueId result = k_.result(inst);
  const Product p = plan_product(inst);
  Value* buffer = held_[index(in[2])].buffer;
  const bool ours = plan_.uses[index(in[2])] == 1 && plan_.home[index(in[2])] == plan_.region[index(id)];
  if (buffer == nullptr || !ours) {  // else the sum grows in place
    buffer = block_buffer(acc);
    fill_buffer(buffer, in[2]);
  }
  held_[index(result)].buffer = buffer;
  llvm::Type* element = lanes_.memory_type(p.sum);
  Position batch;
  const std::function<void(std::size_t, Value*)> each = [&](std::size_t axis,
                                                            Value* at) {  // at most four deep
    if (axis + 2 < acc.rank) {
      loop(number(0), number(acc.extents[axis]), number(1), [&](Value* i) {
        batch.at[axis] = i;
        each(axis + 1, ir_.CreateAdd(ir_.CreateMul(at, number(acc.extents[axis])), i));
      });
      return;
    }
    Product one = p;
    one.acc = ir_.CreateGEP(element, buffer, ir_.CreateMul(at, number(p.m * p.n)));
    pack(in[0], batch, one, false);
    pack(in[1], batch, one, true);
    multiply(one);
  };
  each(0, number(0));
  if (acc.dtype != p.sum) round_buffer(buffer, acc);
  if (elements(acc) == 1) held_[index(result)].scalar = ir_.CreateLoad(element, buffer);
}

// A block operand into its packed form.
void Emitter::pack(ValueId v, const Position& batch, const Product& p, bool panels) {
  const Type& type = k_.type(v);
  const std::size_t r = type.rank;
  const ValueId roots[] = {v};
  const Nest whole = nest(type, roots, static_cast<int>(r) - 1);
  const unsigned fixed = (1u << (r - 2)) - 1;
  rows(
      whole,
      [&](Position at) {
        for (std::size_t axis = 0; axis + 2 < r; ++axis) at.at[axis] = batch.at[axis];
        Row row;
        row.tile.row = &row;
        prepare({v, at}, row);
        Nest n = whole;
        if (panels && row.low != nullptr)
          n.width = 1, n.masked_edge = false;  // vectors would straddle panels
        if (panels) n.width = std::min(n.width, p.width), n.unroll = std::min(n.unroll, 2);
        lanes(n, row, at, [&](Tile& tile, const Position& place) {
          Value *line = place.at[r - 2], *c = place.at[r - 1];
          Value* offset = ir_.CreateMul(line, number(p.k));
          if (panels) {
            Value* panel = ir_.CreateUDiv(c, number(p.columns));
            offset = ir_.CreateAdd(ir_.CreateMul(panel, number(p.k * p.columns)),
                                   ir_.CreateMul(line, number(p.columns)));
            offset = ir_.CreateSub(offset, ir_.CreateMul(panel, number(p.columns)));
          }
          const Access to{.base = panels ? p.b : p.a, .offset = offset, .stride = number(1)};
          Value* x = lanes_.cast(type.dtype, value({v, place}, tile), p.sum);
          store_lanes(p.sum, to, nullptr, place, tile.active, x, tile);
        });
      },
      fixed);
}

// Panels outside, rows inside: a panel stays in the first cache, rows stream through it.
void Emitter::multiply(const Product& p) {
  const auto strip = [&](Value* panel, Value* column, std::vector<int> widths) {
    const auto tile = [&](Value* row, std::int64_t count) {
      register_tile(p, panel, row, column, count, widths);
    };
    const std::int64_t whole = p.m / p.rows * p.rows;
    loop(number(0), number(whole), number(p.rows), [&](Value* row) { tile(row, p.rows); });
    if (whole < p.m) tile(number(whole), p.m - whole);
  };
  const std::int64_t whole = p.n / p.columns * p.columns;
  const auto panel_at = [&](Value* column) {
    return ir_.CreateGEP(lanes_.memory_type(p.sum), p.b, ir_.CreateMul(column, number(p.k)));
  };
  if (whole > 0)
    loop(number(0), number(whole), number(p.columns),
         [&](Value* column) { strip(panel_at(column), column, std::vector<int>(2, p.width)); });
  if (whole == p.n) return;
  std::vector<int> widths;  // the last columns: vectors, then ever smaller ones
  for (int width = p.width, left = static_cast<int>(p.n - whole); left > 0; width /= 2)
    for (; left >= width; left -= width) widths.push_back(width);
  strip(panel_at(number(whole)), number(whole), widths);
}

void Emitter::register_tile(const Product& p, Value* panel, Value* row, Value* column, std::int64_t rows,
                            const std::vector<int>& widths) {
  llvm::Type* element = lanes_.memory_type(p.sum);
  const llvm::Align align(static_cast<std::uint64_t>(element_bytes(p.sum)));
  const auto at = [&](Value* base, Value* offset) { return ir_.CreateGEP(element, base, offset); };
  std::vector<Value*> sums, places;
  for (std::int64_t i = 0; i < rows; ++i) {
    Value* start =
        at(p.acc, ir_.CreateAdd(ir_.CreateMul(ir_.CreateAdd(row, number(i)), number(p.n)), column));
    std::int64_t offset = 0;
    for (const int width : widths) {
      places.push_back(at(start, number(offset)));
      sums.push_back(local(Lanes::shaped(element, width), 1, 64));
      ir_.CreateStore(ir_.CreateAlignedLoad(Lanes::shaped(element, width), places.back(), align),
                      sums.back());
      offset += width;
    }
  }
  const auto step = [&](Value* k) {
    std::vector<Value*> b;
    Value* line = at(panel, ir_.CreateMul(k, number(p.columns)));
    std::int64_t offset = 0;
    for (const int width : widths) {
      b.push_back(ir_.CreateAlignedLoad(Lanes::shaped(element, width), at(line, number(offset)), align));
      offset += width;
    }
    for (std::int64_t i = 0; i < rows; ++i) {
      Value* a = ir_.CreateLoad(
          element, at(p.a, ir_.CreateAdd(ir_.CreateMul(ir_.CreateAdd(row, number(i)), number(p.k)), k)));
      for (std::size_t j = 0; j < widths.size(); ++j) {
        Value* cell = sums[static_cast<std::size_t>(i) * widths.size() + j];
        Value* old = ir_.CreateLoad(b[j]->getType(), cell);
        Value* wide = lanes_.splat(a, widths[j]);
        Value* sum = is_float(p.sum) ? lanes_.multiply_add(wide, b[j], old)
                                     : ir_.CreateAdd(ir_.CreateMul(wide, b[j]), old);
        ir_.CreateStore(sum, cell);
      }
    }
  };
  const std::int64_t whole = p.k / kUnrollK * kUnrollK;
  if (whole > 0)
    loop(number(0), number(whole), number(kUnrollK), [&](Value* k) {
      for (int u = 0; u < kUnrollK; ++u) step(ir_.CreateAdd(k, number(u)));
    });
  for (std::int64_t k = whole; k < p.k; ++k) step(number(k));
  for (std::size_t i = 0; i < sums.size(); ++i)
    ir_.CreateAlignedStore(ir_.CreateLoad(Lanes::shaped(element, widths[i % widths.size()]), sums[i]),
                           places[i], align);
}

}  // namespace intarsia::target::cpu
