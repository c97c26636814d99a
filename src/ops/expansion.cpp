#include "ops/expansion.h"

#include "ops/ops.h"

namespace intarsia::ops {

GraphBuilder::Value Expansion::number(double value) {
  return add(kFull, {}, {{"shape", Shape{}}, {"value", value}, {"dtype", inner_}});
}

GraphBuilder::Value Expansion::cast(Value value, DType dtype) {
  return type(value).dtype == dtype ? value : add(kCast, {value}, {{"dtype", dtype}});
}

}  // namespace intarsia::ops
