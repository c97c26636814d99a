// Tensors, evaluation, compiled functions and the operator table.
#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "attributes.h"
#include "base/convert.h"
#include "base/error.h"
#include "bindings.h"
#include "call_site.h"
#include "frontend/plugin.h"
#include "intarsia/intarsia.h"
#include "memory.h"
#include "ops/ops.h"
#include "runtime/device.h"

namespace intarsia::python {

namespace {

// ---- arguments
// -------------------------------------------------------------------------------------------------------

std::optional<Number> number_of(nb::handle h) {
  if (PyBool_Check(h.ptr())) return h.is(Py_True);
  if (PyFloat_Check(h.ptr())) return nb::cast<double>(nb::float_(nb::borrow(h)));
  if (PyLong_Check(h.ptr())) return to_int64(h, "a number");
  if (nb::hasattr(h, "dtype") && nb::hasattr(h, "item") && nb::hasattr(h, "ndim") &&
      !nb::isinstance<Tensor>(h) && nb::cast<int>(h.attr("ndim")) == 0)
    return number_of(h.attr("item")());
  return std::nullopt;
}

// A tensor, a number, or what intarsia.Tensor() takes (lists, arrays). Numbers in a list are numbers: they
// take the dtype of the tensor beside them, if there is one.
std::optional<Operand> operand(nb::handle h, const Caller& at, nb::handle beside = {}) {
  if (nb::isinstance<Tensor>(h)) return Operand(nb::cast<Tensor>(h), at);
  if (const auto number = number_of(h)) return Operand(*number, at);
  const bool list = nb::isinstance<nb::list>(h) || nb::isinstance<nb::tuple>(h);
  if (!list && !nb::hasattr(h, "__dlpack__")) return std::nullopt;
  const nb::object dtype = list && beside.is_valid() ? nb::object(beside.attr("dtype")) : nb::none();
  return Operand(nb::cast<Tensor>(nb::module_::import_("intarsia.tensor").attr("tensor_of")(h, dtype)), at);
}
Operand wanted(nb::handle h, const Caller& at, std::string_view op) {
  if (auto found = operand(h, at)) return *found;
  throw UserError(fmt::format("{}: a tensor or a number is wanted, not {}", op,
                              nb::cast<std::string>(h.type().attr("__name__"))));
}
std::vector<Operand> wanted_all(nb::handle list, const Caller& at, std::string_view op) {
  std::vector<Operand> out;
  for (nb::handle h : list) out.push_back(wanted(h, at, op));
  return out;
}

nb::object one_or_list(std::vector<Tensor> out) {
  if (out.size() == 1) return nb::cast(std::move(out[0]));
  return nb::cast(std::move(out));
}

nb::object apply_op(const std::string& op, nb::handle inputs, const nb::dict& given) {
  const Caller at = caller();
  Attributes attributes;
  for (const auto& [name, value] : given)
    if (!value.is_none()) attributes.set(nb::cast<std::string>(name), to_attribute(value).value);
  return one_or_list(apply(op, wanted_all(inputs, at, op), attributes, at));
}

nb::object call_plugin(const std::string& id, nb::handle inputs, const nb::dict& given) {
  const Caller at = caller();
  std::vector<plugins::GivenAttribute> attributes;
  for (const auto& [name, value] : given) {
    PythonAttribute a = to_attribute(value);
    attributes.push_back({nb::cast<std::string>(name), std::move(a.value), a.rank, std::move(a.given)});
  }
  return one_or_list(frontend::call_plugin(id, wanted_all(inputs, at, id), attributes, at));
}

template <bool swapped>
auto binary(const char* op) {
  return [op](nb::handle self, nb::handle other) -> nb::object {
    const Caller at = caller();
    const auto b = operand(other, at, self);
    if (!b) return nb::borrow(Py_NotImplemented);
    const Operand a(nb::cast<Tensor>(self), at);
    const Operand both[] = {swapped ? *b : a, swapped ? a : *b};
    return nb::cast(std::move(apply(op, both, {}, at)[0]));
  };
}

// ---- data
// ------------------------------------------------------------------------------------------------------------

void release_owner(void* owner) noexcept {
  if (!Py_IsInitialized()) return;
  const nb::gil_scoped_acquire gil;
  Py_DECREF(static_cast<PyObject*>(owner));
}

// As DLPack numbers kinds of devices.
constexpr int kDlpackCpu = 1, kDlpackCuda = 2;

Device device_of(const Memory& m) {
  if (m.device_type == kDlpackCpu) return Device::cpu();
  if (m.device_type == kDlpackCuda) return Device::named(fmt::format("cuda:{}", m.device_id));
  throw UserError(
      "arrays on devices other than the CPU and CUDA cannot become tensors: copy it to the CPU first");
}

// No copy: the array lives as long as the tensor needs its memory.
Tensor from_array(nb::handle array) {
  const Memory m = memory_of(array);
  if (!m.is_contiguous()) throw InternalError("from_array takes contiguous arrays");
  const Device device = device_of(m);
  if (m.device_type == kDlpackCuda)
    device.get().synchronize(nullptr);  // what its producer queued has happened
  runtime::DeviceTensor data{
      runtime::Storage::wrap(device.get(), m.data, static_cast<std::size_t>(bytes_of(m.dtype, m.numel())),
                             release_owner, nb::object(m.owner).release().ptr()),
      m.data, m.dtype, runtime::Extents(std::span<const std::int64_t>(m.shape))};
  return Tensor::from_device(std::move(data), caller());
}

// The data behind a tensor, on the CPU or where it is; what was queued to make it has happened.
nb::object to_array(const Tensor& t, bool on_host) {
  const Caller at = caller();
  runtime::DeviceTensor data = [&] {
    const nb::gil_scoped_release release;
    runtime::DeviceTensor out = on_host ? t.to(Device::cpu(), at).data(at) : t.data(at);
    out.storage->device().synchronize(out.storage->stream());
    return out;
  }();
  const std::vector<std::int64_t> shape(data.extents.begin(), data.extents.end());
  auto* kept = new runtime::DeviceTensor(std::move(data));
  const nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<runtime::DeviceTensor*>(p); });
  const runtime::Device& device = kept->storage->device();
  const bool cuda = device.kind() == runtime::Device::Kind::kCuda;
  return dlpack_of(kept->data, kept->dtype, shape, {}, cuda ? kDlpackCuda : kDlpackCpu,
                   cuda ? device.ordinal() : 0, owner);
}

nb::tuple dlpack_device(const Tensor& t) {
  const Caller at = caller();
  const nb::gil_scoped_release release;
  const runtime::Device& device = t.eval(at).device().get();
  const nb::gil_scoped_acquire acquire;
  const bool cuda = device.kind() == runtime::Device::Kind::kCuda;
  return nb::make_tuple(cuda ? kDlpackCuda : kDlpackCpu, cuda ? device.ordinal() : 0);
}

nb::tuple shape_of(const Tensor& t) {
  nb::list out;
  for (const Dim& d : t.shape()) {
    if (d.is_constant())
      out.append(nb::cast(d.constant()));
    else
      out.append(nb::cast(d));
  }
  return nb::tuple(out);
}

void bind_operators(nb::class_<Tensor>& c) {
  constexpr std::pair<const char*, const char*> kBoth[] = {{"add", "add"},
                                                           {"sub", "sub"},
                                                           {"mul", "mul"},
                                                           {"truediv", "div"},
                                                           {"floordiv", "floor_div"},
                                                           {"mod", "mod"},
                                                           {"pow", "pow"},
                                                           {"matmul", "matmul"},
                                                           {"and", "logical_and"},
                                                           {"or", "logical_or"},
                                                           {"xor", "logical_xor"}};
  for (const auto& [python, op] : kBoth) {
    c.def(fmt::format("__{}__", python).c_str(), binary<false>(op), nb::is_operator());
    c.def(fmt::format("__r{}__", python).c_str(), binary<true>(op), nb::is_operator());
  }
  constexpr std::pair<const char*, const char*> kCompare[] = {
      {"__eq__", "equal"},      {"__ne__", "not_equal"}, {"__lt__", "less"},
      {"__le__", "less_equal"}, {"__gt__", "greater"},   {"__ge__", "greater_equal"}};
  for (const auto& [python, op] : kCompare) c.def(python, binary<false>(op), nb::is_operator());
  constexpr std::pair<const char*, const char*> kUnary[] = {
      {"__neg__", "neg"}, {"__abs__", "abs"}, {"__invert__", "logical_not"}};
  for (const auto& [python, op] : kUnary)
    c.def(python, [op](const Tensor& t) {
      const Caller at = caller();
      const Operand a(t, at);
      return std::move(apply(op, std::span(&a, 1), {}, at)[0]);
    });
  c.def("__pos__", [](const Tensor& t) { return t; });
  c.def("__hash__", [](nb::handle self) {
    return static_cast<Py_hash_t>(reinterpret_cast<std::uintptr_t>(self.ptr()) >> 4);
  });
}

void bind_evaluation(nb::class_<Tensor>& c) {
  c.def_prop_ro("is_evaluated", &Tensor::is_evaluated);
  c.def(
      "eval",
      [](nb::handle self) {
        const Caller at = caller();
        const Tensor& t = nb::cast<const Tensor&>(self);
        {
          const nb::gil_scoped_release release;
          t.eval(at);
        }
        return nb::borrow(self);
      },
      "Computes what is behind the tensor, once; gives the tensor.");
  c.def(
      "interpret",
      [](const Tensor& t) {
        const Caller at = caller();
        const nb::gil_scoped_release release;
        return t.interpret(at);
      },
      "Computes by the operators' definitions, slowly and exactly.");
}

// What tensor.py builds on, and DLPack.
void bind_data(nb::class_<Tensor>& c) {
  c.def("_to", [](const Tensor& t, const std::string& device) {
    const Caller at = caller();
    const nb::gil_scoped_release release;
    return t.to(Device::named(device), at);
  });
  c.def("_item", [](const Tensor& t) -> double {
    const Caller at = caller();
    const nb::gil_scoped_release release;
    return t.item(at);
  });
  c.def("_integers", [](const Tensor& t) {
    const Caller at = caller();
    const nb::gil_scoped_release release;
    return t.tolist<std::int64_t>(at);
  });
  c.def("_doubles", [](const Tensor& t) {
    const Caller at = caller();
    const nb::gil_scoped_release release;
    return t.tolist<double>(at);
  });
  c.def(
      "_array", [](const Tensor& t) { return to_array(t, true); },
      "An object with __dlpack__ over the data on the CPU; computes it.");
  c.def("__dlpack__", [](const Tensor& t, const nb::kwargs& options) {
    const nb::object array = to_array(t, false);
    const nb::object method = array.attr("__dlpack__");
    return nb::steal(PyObject_Call(method.ptr(), nb::make_tuple().ptr(), nb::kwargs(options).ptr()));
  });
  c.def("__dlpack_device__", &dlpack_device);
}

void bind_tensor(nb::module_& m) {
  nb::class_<Tensor> c(
      m, "Tensor", nb::dynamic_attr(),
      "A tensor: data, or what will compute it when somebody looks. Tensor(data, dtype=None) takes numbers, "
      "nested lists "
      "and arrays (NumPy, PyTorch, anything with DLPack; without a copy where their memory is dense).");
  c.def(
      "__init__",
      [](Tensor* self, nb::handle data, nb::handle dtype) {
        new (self)
            Tensor(nb::cast<Tensor>(nb::module_::import_("intarsia.tensor").attr("tensor_of")(data, dtype)));
      },
      nb::arg("data") = nb::none(), nb::arg("dtype") = nb::none());
  bind_operators(c);
  c.def_prop_ro("dtype", [](const Tensor& t) {
    return nb::module_::import_("intarsia.dtypes").attr("of_code")(t.dtype());
  });
  c.def_prop_ro("shape", &shape_of, "Extents: plain integers, or named dims while a function is compiled.");
  c.def_prop_ro("rank", &Tensor::rank).def_prop_ro("ndim", &Tensor::rank);
  c.def_prop_ro(
      "device", [](const Tensor& t) { return t.device().name(); }, "Where the data lives; computes it.",
      nb::call_guard<nb::gil_scoped_release>());
  bind_evaluation(c);
  bind_data(c);
  const auto text = [](const Tensor& t) {
    const Caller at = caller();
    const nb::gil_scoped_release release;
    return t.str(at);
  };
  c.def("__repr__", text).def("__str__", text);
}

// ---- compiled functions
// ----------------------------------------------------------------------------------------------

InputInfo input_info(nb::handle info) {
  InputInfo out{.shape = {},
                .dtype = nb::cast<DType>(info.attr("dtype").attr("code")),
                .name = nb::cast<std::string>(info.attr("name"))};
  for (nb::handle d : info.attr("_dimensions")) {
    if (PyLong_Check(d.ptr()))
      out.shape.emplace_back(to_int64(d, "an extent"));
    else {
      const auto [name, min, opt, max, multiple] =
          nb::cast<std::tuple<std::string, std::int64_t, std::int64_t, std::int64_t, std::int64_t>>(d);
      out.shape.emplace_back(NamedDimension(name, min, opt, max, multiple));
    }
  }
  return out;
}
std::vector<InputInfo> input_infos(nb::handle list) {
  std::vector<InputInfo> out;
  for (nb::handle h : list) out.push_back(input_info(h));
  return out;
}

void bind_executable(nb::module_& m) {
  nb::class_<Executable>(m, "Executable")
      .def("run",
           [](const Executable& e, const std::vector<Tensor>& inputs) {
             const Caller at = caller();
             const nb::gil_scoped_release release;
             return e(inputs, at);
           })
      .def("__str__", &Executable::str);
  m.def("make_placeholders",
        [](nb::handle infos) { return make_placeholders(input_infos(infos), caller()); });
  m.def("compile_traced",
        [](const std::vector<Tensor>& placeholders, const std::vector<Tensor>& results, nb::handle infos) {
          const Caller at = caller();
          const std::vector<InputInfo> inputs = input_infos(infos);
          const nb::gil_scoped_release release;
          return compile_traced(placeholders, results, inputs, at);
        });
  m.def("eval_all", [](const std::vector<Tensor>& tensors) {
    const Caller at = caller();
    const nb::gil_scoped_release release;
    eval(tensors, at);
  });
}

// ---- the operator table
// ----------------------------------------------------------------------------------------------

nb::list op_table() {
  nb::list out;
  for (const ops::OpDef* op : ops::all()) {
    nb::dict row;
    row["id"] = std::string(op->id);
    row["signature"] = ops::signature(*op);
    row["summary"] = std::string(op->summary), row["doc"] = std::string(op->doc),
    row["example"] = std::string(op->example);
    nb::list inputs, attributes;
    for (const ops::Input& i : op->inputs)
      inputs.append(nb::make_tuple(std::string(i.name), i.variadic, i.optional));
    for (const ops::AttributeDef& a : op->attributes)
      attributes.append(
          nb::make_tuple(std::string(a.name), static_cast<int>(a.kind), a.required, std::string(a.fallback)));
    nb::list parameters;
    for (const ops::Parameter& p : ops::parameters(*op)) parameters.append(std::string(p.name));
    row["inputs"] = inputs, row["attributes"] = attributes, row["outputs"] = op->outputs.size();
    row["parameters"] = parameters;
    out.append(row);
  }
  return out;
}

}  // namespace

void bind_frontend(nb::module_& m) {
  bind_tensor(m);
  bind_executable(m);
  m.def("from_array", &from_array);
  m.def("apply", &apply_op);
  m.def("call_plugin", &call_plugin);
  m.def("op_table", &op_table);
  m.def("default_device", [] { return default_device().name(); });
  m.def("set_default_device", [](const std::string& name) { set_default_device(Device::named(name)); });
  m.def("cuda_target", []() -> std::optional<std::string> {
    for (const Device& d : Device::all())
      if (d.get().kind() == runtime::Device::Kind::kCuda) return d.get().target();
    return std::nullopt;
  });
  m.def("synchronize", [](int ordinal) {
    const nb::gil_scoped_release release;
    Device::named(fmt::format("cuda:{}", ordinal)).get().synchronize(nullptr);
  });
  m.def("devices", [] {
    std::vector<std::string> out;
    for (const Device& d : Device::all()) out.push_back(d.name());
    return out;
  });
}

}  // namespace intarsia::python
