// DLPack in and out: no copies, strides, dtypes, who frees what.
#include "intarsia/dlpack.h"

#include <gtest/gtest.h>

#include "error_text.h"

namespace intarsia::dlpack {
namespace {

static_assert(sizeof(DLTensor) == 48 && sizeof(ManagedTensor) == 64 && sizeof(ManagedTensorVersioned) == 80);

struct Foreign {  // somebody else's tensor, which counts how often it is given back
  std::vector<float> data;
  std::vector<std::int64_t> shape, strides;
  int deleted = 0;
  ManagedTensorVersioned managed{};
  ManagedTensorVersioned* get() {
    managed.version = {1, 1};
    managed.manager = this;
    managed.deleter = [](ManagedTensorVersioned* self) { ++static_cast<Foreign*>(self->manager)->deleted; };
    managed.tensor = {data.data(),
                      {kCpu, 0},
                      static_cast<std::int32_t>(shape.size()),
                      {kFloat, 32, 1},
                      shape.data(),
                      strides.empty() ? nullptr : strides.data(),
                      0};
    return &managed;
  }
};

TEST(DLPack, SharesMemoryBothWays) {
  Foreign f{{1, 2, 3, 4, 5, 6}, {2, 3}, {}};
  {
    const Tensor x = from_dlpack(f.get());
    EXPECT_EQ(x.shape().str(), "[2, 3]");
    EXPECT_EQ(x.data().data, f.data.data());
    EXPECT_EQ((x + 1).tolist<float>(), (std::vector<float>{2, 3, 4, 5, 6, 7}));
    ManagedTensorVersioned* out = to_dlpack(x);
    EXPECT_EQ(out->tensor.data, f.data.data());
    EXPECT_EQ(out->tensor.strides[0], 3);
    EXPECT_EQ(out->flags, kReadOnly);
    EXPECT_EQ(f.deleted, 0);
    out->deleter(out);
  }
  EXPECT_EQ(f.deleted, 1);
}

TEST(DLPack, ExportOutlivesTheTensor) {
  ManagedTensorVersioned* out = to_dlpack(iota({4}) * 2);
  EXPECT_EQ(static_cast<const float*>(out->tensor.data)[3], 6.0f);
  EXPECT_EQ(from_dlpack(out).tolist<float>(), (std::vector<float>{0, 2, 4, 6}));
}

TEST(DLPack, StridedDataIsCopied) {
  Foreign f{{1, 2, 3, 4, 5, 6}, {3, 2}, {1, 3}};  // a transposed view
  const Tensor x = from_dlpack(f.get());
  EXPECT_EQ(f.deleted, 1);
  EXPECT_EQ(x.tolist<float>(), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  Foreign reversed{{1, 2, 3}, {3}, {-1}};
  reversed.get()->tensor.byte_offset = 8;
  EXPECT_EQ(from_dlpack(&reversed.managed).tolist<float>(), (std::vector<float>{3, 2, 1}));
}

TEST(DLPack, EveryDtypeComesBack) {
  for (const DType dtype :
       {DType::kBool, DType::kI8, DType::kI64, DType::kU16, DType::kF16, DType::kBF16, DType::kF64}) {
    const Tensor x = cast(iota({2}, 0, DType::kI32), dtype);
    EXPECT_EQ(from_dlpack(to_dlpack(x)).dtype(), dtype);
  }
}

TEST(DLPack, RefusalsGiveTheDataBack) {
  Foreign f{{1}, {1}, {}};
  f.get()->tensor.dtype = {5, 64, 1};
  EXPECT_EQ(message([&] { from_dlpack(&f.managed); }),
            "from_dlpack: there is no dtype for elements of code 5, 64 bits, 1 lanes");
  f.get()->tensor.device = {8, 0};
  EXPECT_EQ(message([&] { from_dlpack(&f.managed); }),
            "from_dlpack: the data is on a device of type 8; supported are 1 (CPU) and 2 (CUDA)");
  f.get()->version.major = 3;
  EXPECT_EQ(message([&] { from_dlpack(&f.managed); }),
            "from_dlpack: the data is of DLPack version 3, supported is 1");
  EXPECT_EQ(f.deleted, 3);
}

}  // namespace
}  // namespace intarsia::dlpack
