// A plugin with two inputs, two outputs, an array attribute, and two steps with a workspace between them:
//   total[j] = bias[j] + weights[0] * sum over i of x[i, j]
//   peak[j]  = the largest x[i, j]
// The first step reduces blocks of rows into the workspace, the second the blocks; the workspace grows with
// the rows.
#include <cmath>
#include <iostream>
#include <limits>

#include "intarsia/intarsia.h"
#include "intarsia/language.hpp"
#include "intarsia/plugin.hpp"

namespace ia = intarsia;
namespace tl = intarsia::language;

namespace {

constexpr std::int64_t kRows = 64, kColumns = 32;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

// One program: sums and maxima of a block of rows, for a block of columns.
const auto reduce_rows =
    tl::kernel("reduce_rows(x, n, m, sums, peaks)",
               [](tl::Ptr<float> x, tl::I64 n, tl::I64 m, tl::Ptr<float> sums, tl::Ptr<float> peaks) {
                 auto column = tl::program_id(1) * kColumns + tl::arange(0, kColumns);
                 auto rows = tl::expand_dims(tl::program_id(0) * kRows + tl::arange(0, kRows), 1);
                 auto columns = tl::expand_dims(column, 0);
                 auto inside = (rows < n) & (columns < m);
                 auto at = x + (rows * m + columns);
                 auto to = tl::program_id(0) * m + column;
                 tl::store(sums + to, tl::sum(tl::load(at, inside, 0.0f), 0), column < m);
                 tl::store(peaks + to, tl::max(tl::load(at, inside, kLowest), 0), column < m);
               });

const auto reduce_blocks = tl::kernel(
    "reduce_blocks(sums, peaks, bias, weight, parts, m, total, peak)",
    [](tl::Ptr<float> sums, tl::Ptr<float> peaks, tl::Ptr<float> bias, tl::F32 weight, tl::I64 parts,
       tl::I64 m, tl::Ptr<float> total, tl::Ptr<float> peak) {
      auto column = tl::program_id(0) * kColumns + tl::arange(0, kColumns);
      auto inside = column < m;
      auto start =
          std::tuple(tl::zeros({kColumns}, ia::DType::kF32), tl::full({kColumns}, kLowest, ia::DType::kF32));
      auto [sum, largest] = tl::for_(0, parts, 1, start, [&](tl::Value i, tl::Value sum, tl::Value largest) {
        auto at = i * m + column;
        return std::tuple(sum + tl::load(sums + at, inside),
                          tl::maximum(largest, tl::load(peaks + at, inside)));
      });
      tl::store(total + column, sum * weight + tl::load(bias + column, inside), inside);
      tl::store(peak + column, largest, inside);
    });

void define_plugin() {
  ia::plugins::define("example::column_stats",
                      [](ia::In<"x"> x, ia::In<"bias"> bias, ia::Attr<"weights", ia::NDArray<float>>) {
                        return std::tuple(bias.like(), x.like(ia::Shape{x.extent(1)}));
                      })
      .aot_impl([](ia::TensorDesc x, ia::TensorDesc bias, ia::NDArray<float> weights, ia::TensorDesc total,
                   ia::TensorDesc peak) {
        if (weights.size() != 1) throw ia::UserError("weights has one element");
        const ia::Dim n = x.extent(0), m = x.extent(1), parts = cdiv(n, kRows);
        ia::plugins::Steps steps;
        const ia::TensorDesc sums = steps.temporary("sums", ia::DType::kF32, {parts, m});
        const ia::TensorDesc peaks = steps.temporary("peaks", ia::DType::kF32, {parts, m});
        steps.add(ia::plugins::launch(reduce_rows(), x, n, m, sums, peaks).grid(parts, cdiv(m, kColumns)));
        steps.add(ia::plugins::launch(reduce_blocks(), sums, peaks, bias, weights[0], parts, m, total, peak)
                      .grid(cdiv(m, kColumns)));
        return steps;
      });
}

}  // namespace

int main() {
  define_plugin();
  constexpr std::int64_t kN = 1000, kM = 50;
  const ia::Tensor x = ia::iota({kN, kM}), bias = ia::iota({kM});
  const std::vector<ia::Tensor> out = ia::plugins_call(
      "example::column_stats", std::vector<ia::Operand>{x, bias}, {{"weights", std::vector<double>{0.5}}});
  const auto values = x.tolist<float>(), total = out[0].tolist<float>(), peak = out[1].tolist<float>();
  double worst = 0;
  for (std::size_t j = 0; j < kM; ++j) {
    double sum = 0, largest = -INFINITY;
    for (std::size_t i = 0; i < kN; ++i) {
      const double v = values[i * kM + j];
      sum += v, largest = std::max(largest, v);
    }
    const double wanted = static_cast<double>(j) + 0.5 * sum;
    worst = std::max(
        {worst, std::abs(total[j] - wanted) / std::max(1.0, std::abs(wanted)), std::abs(peak[j] - largest)});
  }
  std::cout << "largest relative error of " << kM << " columns: " << worst << "\n";
  return worst < 1e-5 ? 0 : 1;
}
