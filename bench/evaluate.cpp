// What an evaluation costs from C++ beside the work itself, and how near big tensors come to a copy. One
// core.
#include <cstring>
#include <memory>
#include <numeric>
#include <span>

#include "intarsia/intarsia.h"
#include "timing.h"

namespace {

namespace ia = intarsia;
using ia::bench::Candidate;
using ia::bench::Row;

ia::Tensor tensor(std::vector<std::int64_t> shape) {
  const std::int64_t count =
      std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
  return ia::Tensor::from_host<float>(std::vector<float>(static_cast<std::size_t>(count), 0.5f), shape);
}

// The peer is a call that cannot be inlined, with a result of its own.
Row again() {
  const std::vector<float> values(4, 0.5f);
  const std::function<std::unique_ptr<float[]>(const float*)> function = [](const float* in) {
    auto out = std::make_unique<float[]>(4);
    for (std::size_t i = 0; i < 4; ++i) out[i] = in[i] + 1;
    return out;
  };
  const ia::Tensor x = tensor({2, 2});
  const auto f = [](std::span<const ia::Tensor> in) { return std::vector<ia::Tensor>{in[0] + 1}; };
  const ia::Executable executable = ia::compile(f, {ia::InputInfo{{2, 2}}});
  const auto seconds =
      ia::bench::interleaved({{"std::function", [&] { ia::bench::keep(function(values.data())); }},
                              {"evaluation", [&] { ia::bench::keep((x + 1).eval()); }},
                              {"compiled", [&] { ia::bench::keep(executable({x})); }}},
                             11, 20000);
  return {"x + 1 (2 x 2) again, from C++",
          "us",
          seconds,
          {{"us above std::function", (seconds.at("evaluation") - seconds.at("std::function")) * 1e6}}};
}

Row big(const std::string& work, const std::function<ia::Tensor(const ia::Tensor&)>& function) {
  constexpr std::size_t kCount = 1u << 24;
  const std::vector<float> from(kCount, 0.5f);
  std::vector<float> to(kCount);
  const ia::Tensor x = tensor({kCount});
  const auto copy = [&] {
    std::memcpy(to.data(), from.data(), kCount * 4);
    ia::bench::keep(to);
  };
  const auto seconds = ia::bench::interleaved({{"copy", copy}, {"ours", [&] { function(x).eval(); }}}, 11);
  return {work + ", 2^24 f32, from C++",
          "ms",
          seconds,
          {{"of the copy", seconds.at("copy") / seconds.at("ours")}}};
}

}  // namespace

int main() {
  ia::bench::one_core();
  ia::bench::print(
      {again(), big("x + 1", [](const ia::Tensor& x) { return x + 1; }),
       big("gelu(1.1 x + 0.3), erf", [](const ia::Tensor& x) { return ia::gelu(x * 1.1 + 0.3, "none"); }),
       big("gelu(1.1 x + 0.3), tanh", [](const ia::Tensor& x) { return ia::gelu(x * 1.1 + 0.3, "tanh"); })});
}
