// One plugin, y = x + 1, with four implementations: a kernel of the tile language, CUDA C++, PTX from a file,
// and a function of this program. All four give the same bits; which of them run where is printed.
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "intarsia/intarsia.h"
#include "intarsia/language.hpp"
#include "intarsia/plugin.hpp"

namespace ia = intarsia;
namespace tl = intarsia::language;

namespace {

constexpr const char* kId = "example::elemwise_add_plugin";

// The kernel takes its dtype from the tensors it is launched with.
const auto add_kernel = tl::kernel("add_kernel(x_ptr, n_elements, y_ptr)",
                                   [](tl::Ptr<> x, tl::I32 n, tl::Ptr<> y, tl::Const<"BLOCK_SIZE"> block) {
                                     auto i = tl::program_id(0) * block + tl::arange(0, block);
                                     auto inside = i < n;
                                     tl::store(y + i, tl::load(x + i, inside) + 1, inside);
                                   });

std::string read(const std::string& name) {
  std::ifstream file(std::string(KERNELS) + "/" + name);
  if (!file) throw ia::UserError("cannot read " + name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void define_plugin() {
  ia::plugins::define("example::elemwise_add_plugin",
                      [](ia::TensorDesc inp0, ia::Attr<"block_size", int>) { return inp0.like(); })
      .aot_impl(
          [](ia::TensorDesc inp0, int block_size, ia::TensorDesc out) {
            const ia::Dim n = inp0.numel();
            return ia::plugins::launch(add_kernel(tl::set<"BLOCK_SIZE">(block_size)), inp0, n, out)
                .grid(cdiv(n, block_size));
          },
          {.name = "tile", .priority = 1})
      .aot_impl(
          [](ia::TensorDesc inp0, int block_size, ia::TensorDesc out) {
            const ia::Dim n = inp0.numel();
            return ia::plugins::launch("add<float>",
                                       ia::plugins::CudaSource{.text = read("add.cu"), .name = "add.cu"},
                                       inp0, n, out)
                .grid(cdiv(n, block_size))
                .block(block_size);
          },
          {.name = "cuda"})
      .aot_impl(
          [](ia::TensorDesc inp0, int block_size, ia::TensorDesc out) {
            const ia::Dim n = inp0.numel();
            return ia::plugins::launch("add_one", ia::plugins::PtxText{read("add.ptx")}, inp0, n, out)
                .grid(cdiv(n, block_size))
                .block(block_size);
          },
          {.name = "ptx"})
      .impl(
          [](ia::plugins::Tensor inp0, int, ia::plugins::Tensor out) {
            const auto x = inp0.elements<float>(), y = out.elements<float>();
            for (std::size_t i = 0; i < x.size(); ++i) y[i] = x[i] + 1;
          },
          {.name = "function", .machine = ia::plugins::Machine::kCpu, .priority = -1});
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<float> run(const std::string& implementation, const ia::Tensor& x) {
  ia::plugins::default_registry().prefer(kId, implementation);
  return ia::plugin(kId, {x}, {{"block_size", std::int64_t{256}}}).tolist<float>();
}

}  // namespace

int main() {
  define_plugin();
  const ia::Tensor x = ia::iota({2, 2});
  std::cout << ia::plugin(kId, {x}, {{"block_size", std::int64_t{256}}}) << "\n";

  const ia::Tensor large = ia::iota({1000, 3}) * 0.37f - 500;
  const std::vector<float> wanted = (large + 1).tolist<float>();
  bool all = true;
  for (const char* implementation : {"tile", "cuda", "ptx", "function"}) {
    const bool same = same_bits(run(implementation, large), wanted);
    std::cout << implementation << ": " << (same ? "the bits of x + 1" : "OTHER BITS") << "\n";
    all = all && same;
  }
  return all ? 0 : 1;
}
