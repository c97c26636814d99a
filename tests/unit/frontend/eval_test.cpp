// Lazy tensors, evaluated end to end on the CPU.
#include <gtest/gtest.h>

#include <numeric>

#include "intarsia/intarsia.h"

namespace intarsia {
namespace {

Tensor counted(std::int64_t n, float first = 0) {
  std::vector<float> data(static_cast<std::size_t>(n));
  std::iota(data.begin(), data.end(), first);
  const std::int64_t shape[] = {n};
  return Tensor::from_host<float>(data, shape);
}

TEST(Eval, XPlusOneAtEverySize) {
  for (const std::int64_t n : {0, 1, 255, 256, 257, 1000000}) {
    const std::vector<float> y = (counted(n) + 1).tolist<float>();
    ASSERT_EQ(static_cast<std::int64_t>(y.size()), n);
    for (std::int64_t i = 0; i < n; ++i) ASSERT_EQ(y[static_cast<std::size_t>(i)], static_cast<float>(i) + 1);
  }
}

}  // namespace
}  // namespace intarsia
