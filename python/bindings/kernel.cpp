// Kernels: their text, facts about them, and running them over arrays, natively or in the interpreter.
#include "kernel/kernel.h"

#include <fmt/format.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "base/convert.h"
#include "base/error.h"
#include "bindings.h"
#include "kernel/interpret.h"
#include "memory.h"
#include "native.h"
#include "target/cpu/compile.h"
#include "target/nvptx/compile.h"

namespace intarsia::python {

namespace {

using kernel::Kernel;

struct Arguments {
  std::vector<Memory> memories;       // of pointers, in order
  std::vector<std::uint64_t> places;  // by parameter: address, or the scalar's bits
};

std::uint64_t scalar_bits(const kernel::Param& p, DType t, nb::handle value) {
  if (is_float(t)) return bits_from_float(t, nb::cast<double>(nb::float_(nb::borrow(value))));
  if (t == DType::kU64 && PyLong_Check(value.ptr())) {
    const unsigned long long large = PyLong_AsUnsignedLongLong(value.ptr());
    if (!PyErr_Occurred()) return large;
    PyErr_Clear();
  }
  const std::int64_t number = to_int64(value, p.name.c_str());
  const std::uint64_t bits = bits_from_int(t, number);
  if (int_from_bits(t, bits) != number)
    throw UserError(fmt::format("'{}' is {} and cannot take {}: it does not fit", p.name, name(t), number));
  return bits;
}

// Pointers must be addresses of the device that runs the kernel: 1 the CPU, 2 CUDA, as DLPack numbers them.
Arguments arguments_of(const Kernel& k, nb::handle values, int device_type = 1) {
  Arguments out;
  std::size_t at = 0;
  for (nb::handle value : values) {
    const kernel::Param& p = k.params[at++];
    const DType t = k.type(p.value).dtype;
    if (p.role == kernel::Role::kScalar) {
      out.places.push_back(scalar_bits(p, t, value));
      continue;
    }
    const Memory& m = nb::cast<const Memory&>(value);
    if (m.dtype != t)
      throw UserError(
          fmt::format("'{}' points to {}, and the array given is {}", p.name, name(t), name(m.dtype)));
    if (m.device_type != device_type)
      throw UserError(fmt::format(
          "'{}' lives on another device than the first array of the launch; copy it there first", p.name));
    if (m.read_only && p.role != kernel::Role::kInput)
      throw UserError(fmt::format("'{}' is written by the kernel, and the array given is read-only", p.name));
    out.memories.push_back(m);
    out.places.push_back(reinterpret_cast<std::uintptr_t>(m.data));
  }
  check(at == k.params.size(), "one argument for each parameter");
  return out;
}

// From the first element to one after the last that its strides reach.
std::int64_t span_of(const Memory& m) {
  std::int64_t last = 0;
  for (std::size_t i = 0; i < m.shape.size(); ++i) {
    if (m.shape[i] == 0) return 0;
    last += (m.shape[i] - 1) * std::max<std::int64_t>(m.strides[i], 0);
  }
  return last + 1;
}

void interpret(const Kernel& k, nb::handle values, const std::vector<std::int64_t>& grid) {
  const Arguments a = arguments_of(k, values);
  Kernel copy = k;
  copy.grid = {grid[0], grid[1], grid[2]};
  std::vector<kernel::HostTensor> tensors;
  std::size_t next = 0;
  for (const kernel::Param& p : k.params) {
    if (p.role == kernel::Role::kScalar) continue;
    const Memory& m = a.memories[next++];
    tensors.push_back({p.role, p.port, m.dtype, span_of(m), m.data, true});
  }
  const nb::gil_scoped_release release;
  kernel::interpret(copy, tensors, {}, a.places, {.outputs_written = false});
}

void launch(const NativeKernel& native, const Kernel& k, nb::handle values,
            const std::vector<std::int64_t>& grid) {
  const Arguments a = arguments_of(k, values);
  const nb::gil_scoped_release release;
  native.launch(a.places, {grid[0], grid[1], grid[2]});
}
void launch_cuda(const CudaKernel& code, const Kernel& k, nb::handle values,
                 const std::vector<std::int64_t>& grid) {
  const Arguments a = arguments_of(k, values, 2);
  const nb::gil_scoped_release release;
  code.launch(a.places, {grid[0], grid[1], grid[2]});
}

}  // namespace

void bind_kernel(nb::module_& m) {
  nb::class_<Kernel>(m, "Kernel", "A kernel in kernel IR.")
      .def_prop_ro("name", [](const Kernel& k) { return k.name; })
      .def_prop_ro("text", [](const Kernel& k) { return kernel::print(k); })
      .def_prop_ro("digest", [](const Kernel& k) { return kernel::digest(k); })
      .def_prop_ro("warps", [](const Kernel& k) { return k.warps; })
      .def("set_warps", [](Kernel& k, std::int32_t warps) { k.warps = warps; })
      .def("interpret", &interpret, nb::arg("values"), nb::arg("grid"),
           "Runs every program of a launch lane by lane, with checks.")
      .def_static("parse", [](const std::string& text) { return kernel::parse(text); })
      .def(
          "compile", [](const Kernel& k, bool is_line) { return std::make_shared<NativeKernel>(k, is_line); },
          nb::arg("is_line"), "Machine code for this processor, for grids of one axis alone or for any.")
      .def(
          "compile_cuda",
          [](const Kernel& k, int ordinal, int warps) {
            return std::make_shared<CudaKernel>(k, ordinal, warps);
          },
          nb::arg("ordinal"), nb::arg("warps"), "PTX loaded on a CUDA device.")
      .def("__repr__", [](const Kernel& k) { return kernel::print(k, false); });
  nb::class_<CudaKernel>(m, "CudaKernel")
      .def("launch", &launch_cuda, nb::arg("kernel"), nb::arg("values"), nb::arg("grid"));
  nb::class_<NativeKernel>(m, "NativeKernel")
      .def("launch", &launch, nb::arg("kernel"), nb::arg("values"), nb::arg("grid"));
  m.def("compile_cpu", [](const Kernel& k) {
    const std::string image = target::compile_cpu(std::span(&k, 1));
    return nb::bytes(image.data(), image.size());
  });
  m.def("compile_ptx", [](const Kernel& k, const std::string& architecture) {
    return target::compile_ptx(k, {.architecture = architecture});
  });
  m.def("llvm_text", [](const Kernel& k) { return target::cpu_llvm_ir(k); });
  m.def("assembly_text", [](const Kernel& k) { return target::cpu_assembly(k); });
}

}  // namespace intarsia::python
