#include "schedule/builtins.h"

namespace intarsia::schedule {

void add_builtins(ImplementationTable& table) {
  add_elements(table);
  add_gather(table);
  add_matmul(table);
  add_reductions(table);
  add_softmax(table);
  add_layer_norm(table);
}

}  // namespace intarsia::schedule
