// What a person at a terminal asks of the compiler without touching the program.
#pragma once
#include "compiler/compiler.h"

namespace intarsia::compiler {

// INTARSIA_DISABLE: names of graph passes to leave out, separated by commas. INTARSIA_PRINT: stages whose
// text goes to stderr
// ("decompose,schedule", or "all"). UserError: there is no such pass or stage.
Options options_from_environment();

// The same from the variables' values; null: not set.
Options options_from(const char* disable, const char* print);

}  // namespace intarsia::compiler
