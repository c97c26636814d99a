// Graph text from anywhere: either UserError, or a graph that verifies, prints itself back and survives the
// passes.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "graph/passes/passes.h"
#include "graph/print.h"
#include "graph/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace intarsia;
  try {
    graph::Graph g = graph::parse({reinterpret_cast<const char*>(data), size});
    graph::verify(g, "parse");
    const std::string text = graph::print(g);
    check(graph::print(graph::parse(text)) == text, "graph text does not parse back to itself:\n" + text);
    graph::PassObserver observer;
    graph::run_passes(graph::all_passes(), g, {}, observer);
    (void)graph::key_text(g);
  } catch (const UserError&) {}
  return 0;
}
