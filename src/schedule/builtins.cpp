#include "schedule/builtins.h"

namespace intarsia::schedule {

void add_builtin(ImplementationTable& table, std::string_view op, std::string_view name,
                 decltype(Implementation::applies) applies, decltype(Implementation::build) build) {
  Implementation i;
  i.op = op;
  i.name = name;
  i.applies = std::move(applies);
  i.build = std::move(build);
  table.add(std::move(i), "built-in");
}

void add_builtins(ImplementationTable& table) {
  add_elements(table);
  add_gather(table);
  add_matmul(table);
  add_reductions(table);
  add_softmax(table);
  add_layer_norm(table);
}

}  // namespace intarsia::schedule
