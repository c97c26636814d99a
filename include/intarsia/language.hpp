// The tile language in C++: a kernel is a function over blocks, and one program of a launch owns a block.
//
//   namespace tl = intarsia::language;
//   auto add_kernel = tl::kernel("add_kernel(x, n, y)",
//       [](tl::Ptr<float> x, tl::I32 n, tl::Ptr<float> y, tl::Const<"BLOCK_SIZE"> block) {
//         auto i = tl::program_id(0) * block + tl::arange(0, block);
//         auto inside = i < n;
//         tl::store(y + i, tl::load(x + i, inside) + 1.0f, inside);
//       });
//   kernel::Kernel k = add_kernel(tl::set<"BLOCK_SIZE">(256));
//
// Reference: docs/language.md. Errors are UserErrors with the line of the expression.
#pragma once
#include "intarsia/language/control.hpp"
#include "intarsia/language/functions.hpp"
#include "intarsia/language/kernel.hpp"
#include "intarsia/language/value.hpp"
