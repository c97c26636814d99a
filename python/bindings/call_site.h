// Where a Python program stands: recorded as (code, instruction), resolved when an error is shown.
#pragma once
#include "intarsia/intarsia.h"

namespace intarsia::python {

// Of the innermost frame outside the package. Needs the GIL.
Caller caller();

}  // namespace intarsia::python
