// Tensors as people read them, in NumPy's manner.
#pragma once
#include <string>
#include <string_view>

#include "runtime/storage.h"

namespace intarsia::frontend {

// tensor([[0., 1.], [2., 3.]], dtype=f32, shape=[2, 2], device=cpu). Numbers are aligned; above 1000 elements
// only three at each end of an axis are shown. `host` lies in host memory.
std::string print_tensor(const runtime::DeviceTensor& host, std::string_view device);

}  // namespace intarsia::frontend
