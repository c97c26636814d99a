// PTX on the CPU, as dictionaries and tuples; python/intarsia/ptx/ makes its classes of them.
#include <fmt/format.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "base/convert.h"
#include "base/error.h"
#include "bindings.h"
#include "intarsia/ptx.h"
#include "memory.h"

namespace intarsia::python {

namespace {

using namespace ptx;
using Triple = std::array<std::uint32_t, 3>;

nb::object text(std::string_view s) {  // PTX may hold any bytes
  return nb::steal(PyUnicode_DecodeUTF8(s.data(), static_cast<Py_ssize_t>(s.size()), "replace"));
}

nb::dict dict_of(const Parameter& p) {
  constexpr std::array<const char*, 3> kPointers = {"no", "inferred", "declared"};
  nb::dict out;
  out["name"] = text(p.name);
  out["type"] = text(name(p.type));
  out["bytes"] = p.bytes, out["align"] = p.align, out["offset"] = p.offset;
  out["pointer"] = kPointers[static_cast<std::size_t>(p.pointer)];
  out["read"] = p.read, out["written"] = p.written;
  return out;
}

nb::dict dict_of(const Problem& p) {
  nb::dict out;
  out["line"] = p.line, out["instruction"] = text(p.instruction), out["what"] = text(p.what);
  out["nearest"] = text(p.nearest), out["count"] = p.count;
  return out;
}

nb::dict dict_of(const Report& r) {
  nb::dict out;
  out["kind"] = text(name(r.kind)), out["kernel"] = text(r.kernel);
  out["block"] = nb::make_tuple(r.block[0], r.block[1], r.block[2]);
  out["thread"] = nb::make_tuple(r.thread[0], r.thread[1], r.thread[2]);
  out["line"] = r.line, out["instruction"] = text(r.instruction), out["source"] = text(r.source);
  out["what"] = text(r.what), out["count"] = r.count, out["text"] = text(r.text());
  return out;
}

nb::dict dict_of(const TraceStep& s) {
  nb::list values;
  for (const TraceValue& v : s.values) {
    nb::list bits;
    for (std::uint64_t b : v.bits) bits.append(b);
    values.append(nb::make_tuple(text(v.name), text(name(v.type)), v.written, bits));
  }
  nb::dict out;
  out["line"] = s.line, out["instruction"] = text(s.instruction), out["opcode"] = text(s.opcode);
  out["source"] = text(s.source), out["lanes"] = s.lanes, out["values"] = values,
  out["text"] = text(s.text());
  return out;
}

template <class T>
nb::list list_of(const std::vector<T>& items) {
  nb::list out;
  for (const T& item : items) out.append(dict_of(item));
  return out;
}
nb::list texts(const std::vector<std::string>& items) {
  nb::list out;
  for (const std::string& item : items) out.append(text(item));
  return out;
}

nb::dict dict_of(const LaunchResult& r) {
  nb::dict out;
  out["reports"] = list_of(r.reports), out["inexact"] = texts(r.inexact), out["printed"] = text(r.printed);
  out["steps"] = r.steps, out["trace"] = list_of(r.trace);
  return out;
}

template <class T>
nb::object triple_or_none(const std::optional<std::array<T, 3>>& v) {
  return v ? nb::object(nb::make_tuple((*v)[0], (*v)[1], (*v)[2])) : nb::none();
}

nb::dict facts(const Kernel& kernel) {
  const Entry& entry = kernel.program().entry();
  nb::dict out;
  out["name"] = text(entry.name), out["line"] = entry.line;
  out["parameters"] = list_of(kernel.parameters());
  out["shared_bytes"] = kernel.program().static_shared_bytes();
  out["local_bytes"] = kernel.program().local_bytes();
  out["reqntid"] = triple_or_none(entry.reqntid), out["maxntid"] = triple_or_none(entry.maxntid);
  out["cluster"] = triple_or_none(entry.cluster);
  return out;
}

nb::dict facts(const LoadedModule& module) {
  nb::dict out;
  nb::list files;
  for (const Module& m : module.modules())
    files.append(
        nb::make_tuple(fmt::format("{}.{}", m.version_major, m.version_minor), text(m.target), text(m.text)));
  out["texts"] = files, out["entries"] = texts(module.entries());
  return out;
}

// Tensor maps, memory objects, lists of one (memory nothing has written) and None are pointers, bytes are
// values.
std::vector<Argument> arguments_of(nb::handle values) {
  std::vector<Argument> out;
  for (nb::handle v : values) {
    if (v.is_none()) {
      out.push_back(nullptr);
    } else if (nb::isinstance<Argument>(v)) {
      out.push_back(nb::cast<const Argument&>(v));
    } else if (PyBytes_Check(v.ptr())) {
      const nb::bytes bytes = nb::borrow<nb::bytes>(v);
      out.push_back(Argument::bytes(std::span(static_cast<const std::byte*>(bytes.data()), bytes.size())));
    } else {
      const bool written = !nb::isinstance<nb::list>(v);
      const Memory& m = nb::cast<const Memory&>(written ? v : nb::handle(v[0]));
      out.push_back(Argument::memory(m.data, bytes_of(m.dtype, m.numel()), !m.read_only, written));
    }
  }
  return out;
}

nb::dict launch(const Kernel& kernel, Triple grid, Triple block, Triple cluster, std::int64_t shared,
                int architecture, const std::string& checks, bool exact, bool contraction,
                std::optional<std::array<std::uint32_t, 5>> trace, nb::handle values) {
  LaunchConfig config;
  config.grid = grid, config.block = block, config.cluster = cluster, config.shared_bytes = shared;
  config.device = device_of(architecture);
  config.checks = checks_named(checks);
  config.exact_tensor_cores = exact, config.contraction = contraction;
  if (trace)
    config.trace = TraceRequest{
        {(*trace)[0], (*trace)[1], (*trace)[2]}, static_cast<std::int32_t>((*trace)[3]), (*trace)[4]};
  const std::vector<Argument> arguments = arguments_of(values);
  LaunchResult result;
  {
    const nb::gil_scoped_release release;
    result = kernel.launch(config, arguments);
  }
  return dict_of(result);
}

// Extents, strides (bytes), box and steps with the fastest dimension first.
Argument tensor_map(const Memory& memory, int type, std::vector<std::int64_t> shape,
                    std::vector<std::int64_t> strides, std::vector<std::int32_t> box,
                    std::vector<std::int32_t> steps, int swizzle, bool nan) {
  TensorMapSpec spec;
  spec.type = static_cast<TensorMapType>(type);
  spec.data = memory.data;
  spec.shape = std::move(shape), spec.strides = std::move(strides);
  spec.box = std::move(box), spec.element_steps = std::move(steps);
  spec.swizzle = static_cast<TensorMapSwizzle>(swizzle);
  spec.fill = nan ? TensorMapFill::kNan : TensorMapFill::kZeros;
  return Argument::tensor_map(spec, bytes_of(memory.dtype, memory.numel()), !memory.read_only);
}

LoadedModule load_bytes(const nb::bytes& bytes, const std::string& source, int architecture) {
  return load({bytes.c_str(), bytes.size()}, {source, architecture});
}

}  // namespace

void bind_ptx(nb::module_& m) {
  nb::class_<Kernel>(m, "PtxKernel")
      .def("facts", [](const Kernel& k) { return facts(k); })
      .def("unfit", [](const Kernel& k, int sm) { return texts(unfit(k.program(), device_of(sm))); })
      .def("launch", &launch, nb::arg("grid"), nb::arg("block"), nb::arg("cluster"), nb::arg("shared"),
           nb::arg("architecture"), nb::arg("checks"), nb::arg("exact"), nb::arg("contraction"),
           nb::arg("trace").none(), nb::arg("arguments"));
  nb::class_<LoadedModule>(m, "PtxModule")
      .def("facts", [](const LoadedModule& x) { return facts(x); })
      .def("kernel", [](const LoadedModule& x, const std::string& entry) { return x[entry]; })
      .def("survey", [](const LoadedModule& x) {
        nb::list out;
        for (const Module& module : x.modules()) out.extend(list_of(survey(module)));
        return out;
      });
  nb::class_<Argument>(m, "PtxTensorMap");
  m.def("ptx_tensor_map", &tensor_map);
  m.def("ptx_load", &load_bytes, nb::arg("bytes"), nb::arg("source"), nb::arg("architecture"));
  m.def("ptx_check_names", [] {
    nb::list out;
    for (std::string_view name : check_names()) out.append(text(name));
    return out;
  });
  m.def("ptx_device", [](int sm) {
    const ptx::Device device = device_of(sm);
    nb::dict out;
    out["shared_bytes"] = device.shared_bytes, out["threads_per_block"] = device.threads_per_block;
    out["multiprocessors"] = device.multiprocessors;
    return out;
  });
}

}  // namespace intarsia::python
