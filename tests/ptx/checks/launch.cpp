// Launches a kernel of this folder on a GPU, for compute-sanitizer to look at: ptx_checks FOLDER NAME, or
// ptx_checks FOLDER --list. Needs the driver alone. Ends with 1 where the driver reports an error.
#include <cstdio>

#include "../driver.h"
#include "kernels.h"

namespace {

using intarsia::ptx::check_kernels::Kernel;

void launch(intarsia::ptx::gpu::Driver& driver, const std::string& folder, const Kernel& kernel) {
  using namespace intarsia::ptx::check_kernels;
  void* module = driver.load(text_of(folder + "/" + kernel.name + ".ptx"));
  void* function = driver.entry(module, "k");
  std::vector<std::uint32_t> p(kWords);
  for (std::uint32_t i = 0; i < kWords; ++i) p[i] = i;
  const std::vector<std::uint32_t> zeros(kWords);
  unsigned long long places[] = {driver.allocate(4 * kWords), driver.allocate(4 * kWords)};
  driver.to_device(places[0], p.data(), 4 * kWords);
  if (kernel.set) driver.to_device(places[1], zeros.data(), 4 * kWords);
  void* arguments[] = {&places[0], &places[1]};
  if (kernel.shared > 49152) driver.call("cuFuncSetAttribute", function, 8, static_cast<int>(kernel.shared));
  const unsigned grid[] = {kernel.grid, 1, 1}, block[] = {kernel.block, 1, 1};
  driver.launch(function, grid, block, static_cast<unsigned>(kernel.shared), arguments);
  driver.synchronize();
}

int run(int count, char** words) {
  if (count != 3) {
    std::fprintf(stderr, "usage: ptx_checks FOLDER NAME | ptx_checks FOLDER --list\n");
    return 2;
  }
  const std::string folder = words[1], name = words[2];
  for (const Kernel& kernel : intarsia::ptx::check_kernels::kernels(folder)) {
    if (name == "--list") std::printf("%s\n", kernel.name.c_str());
    if (name != kernel.name) continue;
    intarsia::ptx::gpu::Driver driver;
    launch(driver, folder, kernel);
    std::printf("%s ran\n", name.c_str());
    return 0;
  }
  return name == "--list" ? 0 : 2;
}

}  // namespace

int main(int count, char** words) {
  try {
    return run(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ptx_checks: %s\n", error.what());
    return 1;
  }
}
