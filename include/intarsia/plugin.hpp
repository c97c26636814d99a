// Plugins in C++20: an operator of your own, its shape rule, and what runs it.
//
//   namespace ia = intarsia;
//   ia::plugins::define("example::elemwise_add_plugin",
//                       [](ia::TensorDesc inp0, ia::Attr<"block_size", int> block_size) { return inp0.like();
//                       })
//       .aot_impl([](ia::TensorDesc inp0, int block_size, ia::TensorDesc out) {
//         const ia::Dim n = inp0.numel();
//         return ia::plugins::launch(kernel(block_size), inp0, n, out).grid(cdiv(n, block_size));
//       });
//
// Docs: docs/plugins.md. Ids and names of attributes are checked while the program compiles.
#pragma once
#include <concepts>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "intarsia/detail/plugin_signature.hpp"
#include "kernel/definition.h"
#include "plugins/registry.h"

namespace intarsia::plugins {

// ---- launches and steps
// ----------------------------------------------------------------------------------------------

// A scalar argument of this type: typed<float>(0.5), typed<std::int64_t>(n).
template <class T>
KernelArgument typed(const Dim& value) {
  return SymInt{value, detail::dtype_of<T>()};
}
template <class T, class Number>
  requires std::is_arithmetic_v<Number>
KernelArgument typed(Number value) {
  if constexpr (std::integral<Number> && std::integral<T>)
    return scalar_of(detail::dtype_of<T>(), static_cast<std::int64_t>(value));
  else
    return scalar_of(detail::dtype_of<T>(), static_cast<double>(value));
}

// One launch, as an implementation returns it, or a step among others.
class Launch {
 public:
  Launch(std::string entry, CodeForm code, std::vector<KernelArgument> arguments) {
    step_.entry = std::move(entry), step_.codes.push_back(std::move(code)),
    step_.arguments = std::move(arguments);
  }
  Launch& grid(Dim x, Dim y = 1, Dim z = 1) {
    step_.params.grid_x = std::move(x), step_.params.grid_y = std::move(y),
    step_.params.grid_z = std::move(z);
    return *this;
  }
  // Threads; a kernel of the tile language brings its own.
  Launch& block(Dim x, Dim y = 1, Dim z = 1) {
    step_.params.block_x = std::move(x), step_.params.block_y = std::move(y),
    step_.params.block_z = std::move(z);
    step_.block_given = true;
    return *this;
  }
  Launch& shared(Dim bytes) { return step_.params.shared_mem = std::move(bytes), *this; }
  Launch& cluster(Dim x, Dim y = 1, Dim z = 1) {
    return step_.params.cluster = {std::move(x), std::move(y), std::move(z)}, *this;
  }
  Launch& cooperative() { return step_.params.cooperative = true, *this; }
  // Another form of the same kernel, for machines the ones before do not suit.
  Launch& or_code(CodeForm code) { return step_.codes.push_back(std::move(code)), *this; }

  operator Steps() const {  // NOLINT: returned from aot_impl as it is
    Steps out;
    out.add(step_);
    return out;
  }
  operator PluginStep() const { return step_; }  // NOLINT: added to steps as it is

 private:
  LaunchStep step_;
};

namespace detail {
template <class T>
void append(std::vector<KernelArgument>& out, T&& value) {
  using V = std::remove_cvref_t<T>;
  if constexpr (std::is_same_v<V, std::vector<TensorDesc>> || std::is_same_v<V, std::span<const TensorDesc>>)
    out.insert(out.end(), value.begin(), value.end());
  else if constexpr (IsAttr<V>::value)
    append(out, value.value);
  else if constexpr (std::integral<V> && !std::same_as<V, bool>)
    out.emplace_back(Dim(static_cast<std::int64_t>(value)));
  else if constexpr (std::floating_point<V>)
    out.emplace_back(static_cast<double>(value));
  else
    out.emplace_back(std::forward<T>(value));
}
template <class... A>
std::vector<KernelArgument> list(A&&... arguments) {
  std::vector<KernelArgument> out;
  out.reserve(sizeof...(A));
  (append(out, std::forward<A>(arguments)), ...);
  return out;
}
}  // namespace detail

namespace detail {
// The dtype an argument gives to a parameter that left its own open.
inline DType dtype_of_argument(const KernelArgument& a) {
  if (const auto* t = std::get_if<TensorDesc>(&a.value)) return t->dtype();
  if (const auto* s = std::get_if<SymInt>(&a.value)) return s->dtype;
  if (const auto* s = std::get_if<Scalar>(&a.value)) return s->dtype;
  return std::holds_alternative<double>(a.value) ? DType::kF32 : DType::kI64;
}
inline kernel::Kernel build(const kernel::Definition& definition,
                            const std::vector<KernelArgument>& arguments) {
  const auto parameters = definition.parameters();
  std::vector<DType> dtypes;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    dtypes.push_back(parameters[i].dtype != DType{0} || i >= arguments.size()
                         ? parameters[i].dtype
                         : dtype_of_argument(arguments[i]));
  return definition.build(dtypes);
}
}  // namespace detail

// A kernel of the tile language; the arguments are for its parameters, in their order: tensors, extents and
// other integers, numbers, typed<T>(value). Parameters without a dtype (tl::Ptr<>) take the arguments'.
template <class K, class... A>
  requires(std::convertible_to<K, kernel::Kernel> || std::convertible_to<K, KernelCode>)
Launch launch(K&& kernel, A&&... arguments) {
  std::vector<KernelArgument> list = detail::list(std::forward<A>(arguments)...);
  KernelCode code;
  if constexpr (std::convertible_to<K, KernelCode>)
    code = std::forward<K>(kernel);
  else if constexpr (std::same_as<std::remove_cvref_t<K>, kernel::Definition>)
    code = std::make_shared<const kernel::Kernel>(detail::build(kernel, list));
  else
    code = std::make_shared<const kernel::Kernel>(kernel::Kernel(std::forward<K>(kernel)));
  std::string name = code->name;
  return Launch(std::move(name), std::move(code), std::move(list));
}

// A kernel by name in PTX, CUDA C++, a cubin or a fatbin. In CUDA C++ the name may be an instance:
// "add<float>".
template <class... A>
Launch launch(std::string entry, CodeForm code, A&&... arguments) {
  return Launch(std::move(entry), std::move(code), detail::list(std::forward<A>(arguments)...));
}

// Several steps: steps().memset(w).add(launch(...)).add(launch(...)), with temporaries of their own.
inline Steps steps() { return {}; }

// ---- definitions
// -----------------------------------------------------------------------------------------------------

// An id, checked while the program compiles, and where it stands.
struct Id {
  std::string_view text;
  std::source_location at;
  template <std::size_t N>
  consteval Id(const char (&id)[N],
               std::source_location where = std::source_location::current())  // NOLINT: a literal
      : text(id, N - 1), at(where) {
    if (!id_problem({id, N - 1}).empty())
      throw "a plugin's id is namespace::name, of letters, digits and '_'";
  }
  Id(std::string_view id, std::source_location where, int) : text(id), at(where) {}
};
// An id that is known when the program runs; UserError where it is none.
inline Id run_time_id(std::string_view id, std::source_location at = std::source_location::current()) {
  return {id, at, 0};
}

inline Place place_of(const std::source_location& at) {
  return {std::string(at.file_name()) + ":" + std::to_string(at.line())};
}

struct ImplementationOptions {
  std::string name = {};  // empty: "aot_impl" or "impl"; one name per plugin
  Machine machine = Machine::kAny;
  int priority = 0;  // the higher goes first
};

// A registered plugin, to which implementations are added.
template <class Schema>
class Definition {
 public:
  Definition(Registry& registry, std::string id) : registry_(&registry), id_(std::move(id)) {}

  // What to run, decided when a graph is compiled: descriptors, attributes, descriptors of outputs; `Tactic`
  // and `Target` may follow. Returns a launch or steps.
  template <class Fn>
  Definition& aot_impl(Fn fn, ImplementationOptions options = {},
                       std::source_location at = std::source_location::current()) {
    AotImplDef def;
    set(def, options, at,
        detail::Roles<typename detail::Signature<Fn>::Parameters, TensorDesc>::count(detail::Role::kTactic) >
            0);
    def.body = [fn = std::move(fn)](const AotRequest& r) -> Steps {
      return detail::call<Schema, TensorDesc>(
          fn, {r.inputs, r.attributes, r.outputs, {r.tactic}, {}, {r.target, &r.machine}});
    };
    registry_->add_aot_impl(id_, std::move(def));
    return *this;
  }

  // A function of this process, called at run time: tensors, attributes, outputs; `Stream` and `Tactic` may
  // follow.
  template <class Fn>
  Definition& impl(Fn fn, ImplementationOptions options = {.priority = -100},
                   std::source_location at = std::source_location::current()) {
    ImplDef def;
    set(def, options, at,
        detail::Roles<typename detail::Signature<Fn>::Parameters, Tensor>::count(detail::Role::kTactic) > 0);
    def.body = [fn = std::move(fn)](const ImplRequest& r) {
      detail::call<Schema, Tensor>(fn, {r.inputs, r.attributes, r.outputs, {r.tactic}, {r.stream}, {}});
    };
    registry_->add_impl(id_, std::move(def));
    return *this;
  }

  // Which dtypes, layouts and tactics there are: descriptors, attributes, outputs -> one AutoTuneCombination
  // or several.
  template <class Fn>
  Definition& autotune(Fn fn, std::source_location at = std::source_location::current()) {
    registry_->set_autotune(
        id_,
        [fn = std::move(fn)](std::span<const TensorDesc> inputs, const Attributes& attributes,
                             std::span<const TensorDesc> outputs) {
          const detail::CallData<TensorDesc> data{inputs, attributes, outputs};
          if constexpr (std::is_same_v<typename detail::Signature<Fn>::Result, AutoTuneCombination>)
            return std::vector{detail::call<Schema, TensorDesc>(fn, data)};
          else
            return std::vector<AutoTuneCombination>(detail::call<Schema, TensorDesc>(fn, data));
        },
        place_of(at));
    return *this;
  }

  // Plain loops over the host's memory: what the others are tested against, and what runs where nothing else
  // fits.
  template <class Fn>
  Definition& reference(Fn fn) {
    registry_->set_reference(id_, [fn = std::move(fn)](ops::ReferenceContext& c) {
      const auto tensors = [](const auto& from) {
        std::vector<Tensor> to;
        for (const ops::HostTensor& t : from) to.push_back({t.dtype, t.extents, t.data});
        return to;
      };
      const std::vector<Tensor> inputs = tensors(c.inputs), outputs = tensors(c.outputs);
      detail::call<Schema, Tensor>(fn, {inputs, c.attributes, outputs});
    });
    return *this;
  }

  const std::string& id() const { return id_; }

 private:
  template <class Def>
  void set(Def& def, ImplementationOptions& options, const std::source_location& at, bool takes_tactic) {
    if (!options.name.empty()) def.name = std::move(options.name);
    def.machine = options.machine, def.priority = options.priority, def.place = place_of(at),
    def.takes_tactic = takes_tactic;
  }

  Registry* registry_;
  std::string id_;
};

namespace detail {
template <class P, class... Parameters>
void add_input(PluginDef& def) {
  if constexpr (role_of<P, TensorDesc>() == Role::kTensor || role_of<P, TensorDesc>() == Role::kTensors) {
    InputSpec input{.name = "inp" + std::to_string(def.inputs.size())};
    if constexpr (IsNamedInput<P>::value) input.name = P::name();
    input.variadic = role_of<P, TensorDesc>() == Role::kTensors;
    def.inputs.push_back(std::move(input));
  } else {
    def.attributes.push_back(P::spec());
  }
}

template <class Result>
std::vector<TensorDesc> to_list(Result result) {
  if constexpr (std::is_same_v<Result, TensorDesc>)
    return {std::move(result)};
  else
    return std::apply([](auto&&... d) { return std::vector<TensorDesc>{std::move(d)...}; },
                      std::move(result));
}
}  // namespace detail

// Registers a plugin by its shape rule: a function of descriptors of inputs, then attributes (Attr), that
// gives the descriptor of the output, or a std::tuple of several. Defining again at the same line replaces.
// UserError: another place defines the id.
template <class Fn>
auto define(Id id, Fn fn, Registry& registry = default_registry()) {
  using P = typename detail::Signature<Fn>::Parameters;
  using R = detail::Roles<P, TensorDesc>;
  using Result = typename detail::Signature<Fn>::Result;
  constexpr std::size_t tensors = R::count(detail::Role::kTensor), lists = R::count(detail::Role::kTensors);
  static_assert(R::count(detail::Role::kAttribute) + tensors + lists == R::kSize,
                "parameters are TensorDesc (or In<name>), then Attr<name, type>");
  static_assert(R::in_order(), "inputs stand before attributes");
  static_assert(lists <= 1, "one list of variadic inputs, the last input");
  static_assert(detail::Outputs<Result>::kCount > 0,
                "a shape rule returns a TensorDesc or a std::tuple of them");
  using Schema = detail::Schema<tensors + lists, lists == 1, detail::Outputs<Result>::kCount,
                                typename detail::AttrsOf<P>::Types>;
  PluginDef def;
  def.id = id.text, def.place = place_of(id.at), def.outputs.resize(Schema::kOutputs);
  [&]<class... T>(std::tuple<T...>*) { (detail::add_input<T>(def), ...); }(static_cast<P*>(nullptr));
  def.shape_rule = [fn = std::move(fn)](std::span<const TensorDesc> inputs, const Attributes& attributes) {
    return detail::to_list(
        detail::call<detail::Schema<Schema::kInputs, Schema::kVariadic, 0, typename Schema::Attrs>,
                     TensorDesc>(fn, {inputs, attributes, {}}));
  };
  registry.add(std::move(def));
  return Definition<Schema>(registry, std::string(id.text));
}

}  // namespace intarsia::plugins
