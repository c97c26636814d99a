// Kernels of this folder, beside each other:
//
//   ptx_checks FOLDER NAME        launches one on a GPU, for compute-sanitizer to look at; 1: the driver
//   reports an error ptx_checks FOLDER --list      their names ptx_checks FOLDER --interpret a line of JSON
//   for each: what the interpreter reports, and in which time
#include <chrono>
#include <cstdio>

#include "../driver.h"
#include "interpret.h"

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

// The first line of what is reported first: it names kind, block and thread.
std::string first_report(const Kernel& kernel, const std::string& text) {
  try {
    const intarsia::ptx::LaunchResult result = intarsia::ptx::check_kernels::interpret(kernel, text);
    if (result.reports.empty()) return {};
    const std::string all = result.reports[0].text();
    return all.substr(0, all.find('\n')) + ", line " + std::to_string(result.reports[0].line);
  } catch (const std::exception& error) { return error.what(); }
}

void interpret_all(const std::string& folder) {
  for (const Kernel& kernel : intarsia::ptx::check_kernels::kernels(folder)) {
    const std::string text = intarsia::ptx::check_kernels::text_of(folder + "/" + kernel.name + ".ptx");
    const auto start = std::chrono::steady_clock::now();
    std::string first = first_report(kernel, text);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::replace(first.begin(), first.end(), '"', '\'');
    std::printf(
        "{\"kernel\": \"%s\", \"tool\": \"intarsia\", \"exit\": 0, \"seconds\": %.6f, \"reported\": %s, "
        "\"first\": \"%s\"}\n",
        kernel.name.c_str(), seconds, first.empty() ? "false" : "true", first.c_str());
  }
}

int run(int count, char** words) {
  if (count != 3) {
    std::fprintf(
        stderr, "usage: ptx_checks FOLDER NAME | ptx_checks FOLDER --list | ptx_checks FOLDER --interpret\n");
    return 2;
  }
  const std::string folder = words[1], name = words[2];
  if (name == "--interpret") {
    interpret_all(folder);
    return 0;
  }
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
