// A plugin with two tactics, blocks of 256 and of 1024 elements. Where both can run, the tuner times them on
// the device and keeps the faster; the result is the same.
#include <iostream>

#include "intarsia/intarsia.h"
#include "intarsia/language.hpp"
#include "intarsia/plugin.hpp"

namespace ia = intarsia;
namespace tl = intarsia::language;

namespace {

const auto square_kernel =
    tl::kernel("square(x, n, y)", [](tl::Ptr<> x, tl::I64 n, tl::Ptr<> y, tl::Const<"BLOCK"> block) {
      auto i = tl::program_id(0) * block + tl::arange(0, block);
      auto v = tl::load(x + i, i < n);
      tl::store(y + i, v * v, i < n);
    });

}  // namespace

int main() {
  ia::plugins::define("example::square", [](ia::TensorDesc x) { return x.like(); })
      .aot_impl([](ia::TensorDesc x, ia::TensorDesc y, ia::plugins::Tactic tactic) {
        const std::int64_t block = tactic == 1 ? 256 : 1024;
        return ia::plugins::launch(square_kernel(tl::set<"BLOCK">(block)), x, x.numel(), y)
            .grid(cdiv(x.numel(), block));
      })
      .autotune([](ia::TensorDesc, ia::TensorDesc) {
        return ia::plugins::AutoTuneCombination("FP32|FP16, FP32|FP16", "LINEAR", {1, 2});
      });

  const ia::Tensor x = ia::iota({100000}) * 0.25f;
  const std::vector<float> got = ia::plugin("example::square", {x}).tolist<float>(),
                           wanted = (x * x).tolist<float>();
  std::cout << "x * x of " << got.size() << " elements: " << (got == wanted ? "equal" : "DIFFERENT") << "\n";
  return got == wanted ? 0 : 1;
}
