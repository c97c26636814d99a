// The registry of plugins: definitions from Python, whose functions are called back with the GIL held.
#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "attributes.h"
#include "base/error.h"
#include "bindings.h"
#include "callback.h"
#include "compiler/cuda_source.h"
#include "memory.h"
#include "plugins/registry.h"

namespace intarsia::python {

namespace {

using namespace plugins;

nb::list descriptors(std::span<const TensorDesc> descs) {
  nb::list out;
  for (const TensorDesc& d : descs) out.append(nb::cast(d));
  return out;
}
nb::list tensors(std::span<const plugins::Tensor> given) {
  nb::list out;
  for (const plugins::Tensor& t : given) out.append(nb::cast(t));
  return out;
}

std::string bytes_of(nb::handle text) {
  if (PyBytes_Check(text.ptr()))
    return {PyBytes_AsString(text.ptr()), static_cast<std::size_t>(PyBytes_Size(text.ptr()))};
  return nb::cast<std::string>(text);
}

// Of PTX made by our own compiler: the kernel it was printed from travels along.
CodeForm code_of(nb::handle code) {
  if (nb::isinstance<CudaSource>(code)) return nb::cast<CudaSource>(code);
  const nb::object kernel = nb::getattr(code, "kernel", nb::none());
  if (nb::isinstance<kernel::Kernel>(code))
    return std::make_shared<const kernel::Kernel>(nb::cast<kernel::Kernel>(code));
  if (!kernel.is_none()) return std::make_shared<const kernel::Kernel>(nb::cast<kernel::Kernel>(kernel));
  return code_of_text(bytes_of(code));
}

KernelArgument argument_of(nb::handle value) {
  if (value.is_none()) return {};
  if (nb::isinstance<TensorDesc>(value)) return nb::cast<TensorDesc>(value);
  if (PyBytes_Check(value.ptr())) return KernelArgument::bytes(bytes_of(value));
  if (PyBool_Check(value.ptr())) return KernelArgument(value.is(Py_True));
  if (PyFloat_Check(value.ptr()))
    return KernelArgument(scalar_of(DType::kF32, nb::cast<double>(nb::float_(nb::borrow(value)))));
  const nb::object dtype = nb::getattr(value, "dtype", nb::none());
  if (nb::hasattr(value, "expr") && !dtype.is_none())
    return SymInt{to_dim(value, "a kernel's argument"), nb::cast<DType>(dtype.attr("code"))};
  if (nb::hasattr(value, "item") && !dtype.is_none()) {  // a NumPy scalar carries its type
    const DType t =
        nb::cast<DType>(nb::module_::import_("intarsia.dtypes").attr("as_dtype")(dtype).attr("code"));
    const nb::object item = value.attr("item")();
    if (PyFloat_Check(item.ptr())) return scalar_of(t, nb::cast<double>(nb::float_(item)));
    return scalar_of(t, to_int64(item, "a kernel's argument"));
  }
  return to_dim(value, "a kernel's argument");
}
std::vector<KernelArgument> arguments_of(nb::handle values) {
  std::vector<KernelArgument> out;
  for (nb::handle v : values) out.push_back(argument_of(v));
  return out;
}

void bind_descriptors(nb::module_& m) {
  nb::class_<TensorDesc>(m, "TensorDesc")
      .def("__init__",
           [](TensorDesc* self, DType dtype, nb::handle shape, std::string format) {
             new (self) TensorDesc(dtype, to_shape(shape, "a descriptor's shape"), std::move(format));
           })
      .def_prop_ro("dtype", &TensorDesc::dtype)
      .def_prop_ro("shape",
                   [](const TensorDesc& d) { return static_cast<const std::vector<Dim>&>(d.shape()); })
      .def_prop_ro("format", &TensorDesc::format)
      .def_prop_ro("name", &TensorDesc::name)
      .def("aliased", &TensorDesc::aliased)
      .def_prop_ro("alias_of", &TensorDesc::alias_of)
      .def("__repr__", &TensorDesc::str);
  nb::class_<plugins::Tensor>(m, "PluginTensor")
      .def_ro("dtype", &plugins::Tensor::dtype)
      .def_ro("shape", &plugins::Tensor::shape)
      .def_prop_ro("address",
                   [](const plugins::Tensor& t) { return reinterpret_cast<std::uintptr_t>(t.data); })
      .def("reshaped",
           [](const plugins::Tensor& t, std::vector<std::int64_t> shape) {
             return plugins::Tensor{t.dtype, std::move(shape), t.data};
           })
      .def("dlpack", [](const plugins::Tensor& t) {
        return dlpack_of(t.data, t.dtype, t.shape, {}, 1, 0, nb::none());
      });
}

void bind_steps(nb::module_& m) {
  nb::class_<CudaSource>(m, "CudaSource", "CUDA C++, compiled by NVRTC when the program is built.")
      .def(
          "__init__",
          [](CudaSource* self, std::string text, std::string name, std::vector<std::string> include_paths,
             std::vector<std::string> defines, std::vector<std::string> options) {
            new (self) CudaSource{std::move(text),    std::move(name),    std::move(include_paths),
                                  std::move(defines), std::move(options), {}};
          },
          nb::arg("text"), nb::arg("name") = "plugin.cu", nb::arg("include_paths") = nb::list(),
          nb::arg("defines") = nb::list(), nb::arg("options") = nb::list());
  nb::class_<KernelLaunchParams>(m, "KernelLaunchParams")
      .def("__init__", [](KernelLaunchParams* self, const nb::kwargs& values) {
        KernelLaunchParams p;
        const auto take = [&](const char* name, Dim& field) {
          if (values.contains(name)) field = to_dim(values[name], name);
        };
        take("grid_x", p.grid_x), take("grid_y", p.grid_y), take("grid_z", p.grid_z);
        take("block_x", p.block_x), take("block_y", p.block_y), take("block_z", p.block_z);
        take("shared_mem", p.shared_mem);
        new (self) KernelLaunchParams(std::move(p));
      });
  nb::class_<Steps>(
      m, "Steps",
      "A small program of an implementation: launches, memsets, copies, and temporaries in between.")
      .def(nb::init<>())
      .def("temporary",
           [](Steps& s, std::string name, DType dtype, nb::handle shape) {
             return s.temporary(std::move(name), dtype, to_shape(shape, "a temporary's shape"));
           })
      .def("workspace",
           [](Steps& s, nb::handle bytes) { return s.workspace(to_dim(bytes, "the size of a workspace")); })
      .def(
          "memset",
          [](Steps& s, const TensorDesc& t, std::uint32_t pattern, std::uint8_t width) {
            s.memset(t, pattern, width);
          },
          nb::arg("target"), nb::arg("pattern") = 0, nb::arg("width") = 1)
      .def("copy", [](Steps& s, const TensorDesc& from, const TensorDesc& to) { s.copy(from, to); })
      .def("launch", [](Steps& s, std::string entry, nb::handle codes, const KernelLaunchParams& params,
                        bool block_given, nb::handle arguments, bool guide_order) {
        LaunchStep step{.entry = std::move(entry), .codes = {}, .params = params, .block_given = block_given};
        for (nb::handle c : codes) step.codes.push_back(code_of(c));
        step.arguments = arguments_of(arguments), step.guide_order = guide_order;
        s.add(std::move(step));
      });
}

AttributeSpec attribute_spec(const nb::dict& spec) {
  AttributeSpec out{.name = nb::cast<std::string>(spec["name"])};
  out.type.kind = static_cast<ops::AttributeKind>(nb::cast<int>(spec["kind"]));
  if (spec.contains("dtype")) out.type.dtype = nb::cast<DType>(spec["dtype"]);
  out.type.optional = nb::cast<bool>(spec["optional"]);
  out.type.choices = nb::cast<std::vector<std::string>>(spec["choices"]);
  if (spec.contains("default") && !spec["default"].is_none())
    out.fallback = to_attribute(spec["default"]).value;
  return out;
}

// Place of a function: (shown, identity).
Place place_of(const nb::tuple& place) {
  return {nb::cast<std::string>(place[0]), nb::cast<std::string>(place[1])};
}

PluginDef definition(const nb::dict& d) {
  PluginDef def{.id = nb::cast<std::string>(d["id"])};
  for (nb::handle input : d["inputs"])
    def.inputs.push_back({.name = nb::cast<std::string>(input[0]), .variadic = nb::cast<bool>(input[1])});
  for (nb::handle a : d["attributes"]) def.attributes.push_back(attribute_spec(nb::cast<nb::dict>(a)));
  for (int i = 0; i < nb::cast<int>(d["outputs"]); ++i) def.outputs.push_back({});
  def.place = place_of(nb::cast<nb::tuple>(d["place"]));
  def.doc = nb::cast<std::string>(d["doc"]);
  def.summary = def.doc.substr(0, def.doc.find('\n'));
  def.shape_rule = [rule = Callback(nb::borrow(d["rule"]))](std::span<const TensorDesc> inputs,
                                                            const Attributes& attributes) {
    const nb::gil_scoped_acquire gil;
    return nb::cast<std::vector<TensorDesc>>(rule(descriptors(inputs), from_attributes(attributes)));
  };
  return def;
}

AotImpl aot_body(nb::handle function) {
  return [body = Callback(nb::borrow(function))](const AotRequest& r) {
    const nb::gil_scoped_acquire gil;
    const std::string target(r.target);
    return nb::cast<Steps>(
        body(descriptors(r.inputs), from_attributes(r.attributes), descriptors(r.outputs), r.tactic, target));
  };
}
Impl impl_body(nb::handle function) {
  return [body = Callback(nb::borrow(function))](const ImplRequest& r) {
    const nb::gil_scoped_acquire gil;
    body(tensors(r.inputs), from_attributes(r.attributes), tensors(r.outputs), r.stream, r.tactic);
  };
}
plugins::Machine machine_named(const std::string& name) {
  if (name == "cpu") return plugins::Machine::kCpu;
  if (name == "cuda") return plugins::Machine::kCuda;
  if (name == "any") return plugins::Machine::kAny;
  throw UserError(fmt::format("a machine is 'cpu', 'cuda' or 'any', not '{}'", name));
}

void bind_registry(nb::module_& m) {
  m.def("plugin_add", [](const nb::dict& d) { default_registry().add(definition(d)); });
  m.def("plugin_add_aot_impl",
        [](const std::string& id, nb::handle body, const std::string& name, const std::string& machine,
           int priority, bool takes_tactic, nb::handle fingerprint, const nb::tuple& place) {
          AotImplDef def{.body = aot_body(body),
                         .name = name,
                         .place = place_of(place),
                         .machine = machine_named(machine),
                         .priority = priority,
                         .takes_tactic = takes_tactic};
          def.fingerprint = [f = Callback(nb::borrow(fingerprint))] {
            const nb::gil_scoped_acquire gil;
            return nb::cast<std::uint64_t>(f());
          };
          default_registry().add_aot_impl(id, std::move(def));
        });
  m.def("plugin_add_impl", [](const std::string& id, nb::handle body, const std::string& name,
                              const std::string& machine, bool takes_tactic, const nb::tuple& place) {
    default_registry().add_impl(id, {.body = impl_body(body),
                                     .name = name,
                                     .place = place_of(place),
                                     .machine = machine_named(machine),
                                     .takes_tactic = takes_tactic});
  });
  m.def("plugin_set_autotune", [](const std::string& id, nb::handle function, const nb::tuple& place) {
    default_registry().set_autotune(
        id,
        [body = Callback(nb::borrow(function))](std::span<const TensorDesc> in, const Attributes& attributes,
                                                std::span<const TensorDesc> out) {
          const nb::gil_scoped_acquire gil;
          return nb::cast<std::vector<AutoTuneCombination>>(
              body(descriptors(in), from_attributes(attributes), descriptors(out)));
        },
        place_of(place));
  });
  m.def("plugin_unregister", [](const std::string& id) { return default_registry().unregister(id); });
  m.def("plugin_ids", [] { return default_registry().ids(); });
  m.def("plugin_nvrtc_folders", [](std::vector<std::string> folders) {
    default_registry().set_cuda_compiler(compiler::nvrtc_compiler(std::move(folders)));
  });
  m.def("plugin_prefer",
        [](const std::string& id, const std::string& name) { default_registry().prefer(id, name); });
  m.def("plugin_schema", [](const std::string& id) { return schema_text(default_registry().get(id)->def); });
}

void bind_autotune(nb::module_& m) {
  nb::class_<AutoTuneCombination>(m, "AutoTuneCombination",
                                  "Which dtypes, layouts and tactics of a plugin exist.")
      .def(
          "__init__",
          [](AutoTuneCombination* self, std::optional<std::string> io_types,
             std::optional<std::string> layouts, nb::handle tactics) {
            std::vector<std::int64_t> ids;
            if (!tactics.is_none())
              for (nb::handle t : tactics) ids.push_back(to_int64(t, "a tactic"));
            if (io_types)
              new (self) AutoTuneCombination(*io_types, layouts.value_or("LINEAR"), ids);
            else
              new (self) AutoTuneCombination();
            if (!io_types && !ids.empty()) self->tactics(ids);
          },
          nb::arg("io_types") = nb::none(), nb::arg("layouts") = nb::none(), nb::arg("tactics") = nb::none())
      .def(
          "pos",
          [](AutoTuneCombination& c, nb::handle indices, const std::string& io_types,
             const std::string& layouts) {
            std::vector<std::int64_t> at;
            if (PyIndex_Check(indices.ptr()))
              at.push_back(to_int64(indices, "a position"));
            else
              for (nb::handle i : indices) at.push_back(to_int64(i, "a position"));
            c.pos(at, io_types, layouts);
          },
          nb::arg("indices"), nb::arg("io_types"), nb::arg("layouts") = "LINEAR",
          "Types and layouts of these inputs and outputs.")
      .def(
          "tactics",
          [](AutoTuneCombination& c, nb::handle tactics) {
            std::vector<std::int64_t> ids;
            for (nb::handle t : tactics) ids.push_back(to_int64(t, "a tactic"));
            c.tactics(ids);
          },
          nb::arg("tactics"), "Numbers of the tactics: positive, each once.")
      .def(
          "expand",
          [](const AutoTuneCombination& c, std::size_t inputs, std::size_t outputs) {
            nb::list out;
            for (const TunedPorts& t : c.expand(inputs, outputs)) {
              nb::list ports;
              for (const PortChoice& p : t.ports) ports.append(nb::make_tuple(p.dtype, p.layout));
              out.append(nb::make_tuple(ports, t.tactics));
            }
            return out;
          },
          nb::arg("inputs"), nb::arg("outputs"),
          "Every choice this stands for: ((dtype, layout) per port, tactics).");
}

}  // namespace

void bind_plugins(nb::module_& m) {
  bind_descriptors(m);
  bind_steps(m);
  bind_autotune(m);
  bind_registry(m);
}

}  // namespace intarsia::python
