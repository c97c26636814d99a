#include "graph/passes/passes.h"

#include <algorithm>
#include <chrono>

#include "graph/verify.h"

namespace intarsia::graph {
namespace {

constexpr Pass kPasses[] = {
    {"decompose", decompose},
    {"drop_empty_tensors", drop_empty_tensors},
    {"fold_literals", fold_literals},
    {"merge_common_subexpressions", merge_common_subexpressions},
    {"drop_dead_nodes", drop_dead_nodes},
};

}  // namespace

std::span<const Pass> all_passes() { return kPasses; }

const Pass* find_pass(std::string_view name) {
  const auto at =
      std::find_if(std::begin(kPasses), std::end(kPasses), [&](const Pass& p) { return p.name == name; });
  return at == std::end(kPasses) ? nullptr : &*at;
}

void run_passes(std::span<const Pass> passes, Graph& graph, const PassOptions& options,
                PassObserver& observer) {
  for (const Pass& pass : passes) {
    if (!observer.enabled(pass)) continue;
    const auto start = std::chrono::steady_clock::now();
    pass.run(graph, options);
    verify(graph, pass.name);
    const std::chrono::duration<double, std::milli> taken = std::chrono::steady_clock::now() - start;
    observer.after(pass, graph, taken.count());
  }
}

}  // namespace intarsia::graph
