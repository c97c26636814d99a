// The built-in implementations, by family.
#pragma once
#include "schedule/implementation.h"

namespace intarsia::schedule {

// Puts an implementation of ours into the table.
void add_builtin(ImplementationTable& table, std::string_view op, std::string_view name,
                 decltype(Implementation::applies) applies, decltype(Implementation::build) build);

void add_elements(ImplementationTable& table);    // elements.cpp: pointwise operators, views, casts
void add_gather(ImplementationTable& table);      // block_gather.cpp
void add_matmul(ImplementationTable& table);      // block_matmul.cpp
void add_reductions(ImplementationTable& table);  // block_reduce.cpp
void add_softmax(ImplementationTable& table);     // block_softmax.cpp
void add_layer_norm(ImplementationTable& table);  // block_layer_norm.cpp

}  // namespace intarsia::schedule
