// Dtypes, symbolic integers (Dim), conditions over them, and shapes.
#include <fmt/format.h>
#include <nanobind/operators.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <map>

#include "base/error.h"
#include "bindings.h"

namespace intarsia::python {

namespace {

using Relation = Condition::Relation;

// Answers NotImplemented, as Python's protocol wants, where the other operand is no integer.
template <class Function>
auto binary(Function function) {
  return [function](const Dim& self, nb::handle other) -> nb::object {
    const std::optional<Dim> dim = as_dim(other);
    if (!dim) return nb::borrow(Py_NotImplemented);
    return nb::cast(function(self, *dim));
  };
}
template <Relation relation, bool swapped>
Condition condition(const Dim& a, const Dim& b) {
  return swapped ? Condition{b, relation, a} : Condition{a, relation, b};
}

// Arithmetic on a condition is arithmetic on its value, 0 or 1.
template <class Function>
auto of_condition(Function function) {
  return [function](const Condition& self, nb::handle other) -> nb::object {
    return binary(function)(intarsia::as_dim(self), other);
  };
}

bool truth(const Condition& c) {
  switch (known(c)) {
    case Known::kYes: return true;
    case Known::kNo: return false;
    case Known::kUnknown: break;
  }
  throw UserError(
      fmt::format("cannot decide {} here: it depends on extents that are not known yet; use select(), or a "
                  "comparison as 0 or 1 in arithmetic, where the value itself is wanted",
                  c.str()));
}

template <class Class, class Wrap>
void bind_arithmetic(Class& c, Wrap wrap) {
  const auto add = [](const Dim& a, const Dim& b) { return a + b; };
  const auto sub = [](const Dim& a, const Dim& b) { return a - b; };
  const auto mul = [](const Dim& a, const Dim& b) { return a * b; };
  const auto div = [](const Dim& a, const Dim& b) { return a / b; };
  const auto mod = [](const Dim& a, const Dim& b) { return a % b; };
  const auto swap = [](auto f) { return [f](const Dim& a, const Dim& b) { return f(b, a); }; };
  c.def("__add__", wrap(add), nb::is_operator()).def("__radd__", wrap(add), nb::is_operator());
  c.def("__sub__", wrap(sub), nb::is_operator()).def("__rsub__", wrap(swap(sub)), nb::is_operator());
  c.def("__mul__", wrap(mul), nb::is_operator()).def("__rmul__", wrap(mul), nb::is_operator());
  c.def("__floordiv__", wrap(div), nb::is_operator())
      .def("__rfloordiv__", wrap(swap(div)), nb::is_operator());
  c.def("__mod__", wrap(mod), nb::is_operator()).def("__rmod__", wrap(swap(mod)), nb::is_operator());
  c.def("__eq__", wrap(condition<Relation::kEqual, false>), nb::is_operator());
  c.def("__ne__", wrap(condition<Relation::kNotEqual, false>), nb::is_operator());
  c.def("__lt__", wrap(condition<Relation::kLess, false>), nb::is_operator());
  c.def("__le__", wrap(condition<Relation::kLessEqual, false>), nb::is_operator());
  c.def("__gt__", wrap(condition<Relation::kLess, true>), nb::is_operator());
  c.def("__ge__", wrap(condition<Relation::kLessEqual, true>), nb::is_operator());
}

std::int64_t evaluate(const Dim& dim, const std::map<std::string, std::int64_t>& values) {
  std::vector<Symbol> symbols;
  collect_symbols(dim, symbols);
  const DimProgram program(std::span(&dim, 1), symbols);
  std::vector<std::int64_t> slots = program.make_slots();
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    const auto at = values.find(symbols[i].name);
    if (at == values.end())
      throw UserError(fmt::format("no value given for '{}' in {}", symbols[i].name, dim.str()));
    slots[i] = at->second;
  }
  program.evaluate(slots);
  return program.value(0, slots);
}

void bind_dim(nb::module_& m) {
  nb::class_<Dim> dim(
      m, "Dim",
      "A symbolic 64-bit integer: an extent, a grid, a size. `//` and `%` round towards minus infinity.");
  nb::class_<Condition> cond(m, "Condition",
                             "A comparison of symbolic integers: 0 or 1 in arithmetic; bool() answers if it "
                             "is known and raises if not.");
  dim.def(
      "__init__", [](Dim* self, nb::handle value) { new (self) Dim(to_dim(value, "Dim()")); },
      nb::arg("value"));
  dim.def_static(
      "symbol",
      [](const std::string& name, std::int64_t min, std::optional<std::int64_t> max, std::int64_t multiple,
         std::int64_t opt) {
        Range range{.min = min, .multiple = multiple, .opt = opt};
        if (max) range.max = *max;
        return Dim::symbol(name, range);
      },
      nb::arg("name"), nb::arg("min") = 0, nb::arg("max") = nb::none(), nb::arg("multiple") = 1,
      nb::arg("opt") = 0,
      "A named unknown in [min, max], always divisible by `multiple`; `opt` is the value to tune for.");
  bind_arithmetic(dim, [](auto f) { return binary(f); });
  dim.def("__neg__", [](const Dim& a) { return -a; }).def("__pos__", [](const Dim& a) { return a; });
  dim.def("__hash__", [](const Dim& a) { return static_cast<Py_hash_t>(a.hash() >> 1); });
  dim.def("__bool__", [](const Dim& a) { return truth({a, Relation::kNotEqual, Dim(0)}); });
  dim.def("__int__", &Dim::constant).def("__index__", &Dim::constant);
  dim.def("__str__", &Dim::str).def("__repr__", &Dim::str);
  dim.def("__getstate__", [](const Dim& a) {
    std::vector<Symbol> symbols;
    collect_symbols(a, symbols);
    nb::list ranges;
    for (const Symbol& s : symbols)
      ranges.append(nb::make_tuple(s.name, s.range.min, s.range.max, s.range.multiple, s.range.opt));
    return nb::make_tuple(a.postfix(), ranges);
  });
  dim.def("__setstate__", [](Dim& self, const nb::tuple& state) {
    std::vector<Symbol> symbols;
    for (nb::handle s : nb::cast<nb::list>(state[1]))
      symbols.push_back({nb::cast<std::string>(s[0]),
                         {nb::cast<std::int64_t>(s[1]), nb::cast<std::int64_t>(s[2]),
                          nb::cast<std::int64_t>(s[3]), nb::cast<std::int64_t>(s[4])}});
    new (&self) Dim(Dim::parse_postfix(nb::cast<std::string>(state[0]), symbols));
  });
  dim.def_prop_ro("is_constant", &Dim::is_constant);
  dim.def("constant_value", &Dim::constant, "The value; an Error, with the expression, if it is not known.");
  dim.def_prop_ro("is_fake", [](const Dim&) { return false; });
  dim.def_prop_ro("is_size_tensor", [](const Dim&) { return false; });
  dim.def_prop_ro(
      "bounds", [](const Dim& a) { return std::pair(a.bounds().min, a.bounds().max); },
      "(min, max) of every value; the ends of int64 stand for no bound.");
  dim.def_prop_ro("multiple", &Dim::multiple, "Every value is divisible by this.");
  dim.def("postfix", &Dim::postfix);
  dim.def(
      "evaluate",
      [](const Dim& a, const nb::kwargs& values) {
        return evaluate(a, nb::cast<std::map<std::string, std::int64_t>>(values));
      },
      "The value where the named symbols have these values.");

  bind_arithmetic(cond, [](auto f) { return of_condition(f); });
  cond.def("__bool__", &truth);
  cond.def("__neg__", [](const Condition& c) { return -intarsia::as_dim(c); });
  cond.def("__index__", [](const Condition& c) { return intarsia::as_dim(c).constant(); });
  cond.def("__int__", [](const Condition& c) { return intarsia::as_dim(c).constant(); });
  cond.def("__hash__",
           [](const Condition& c) { return static_cast<Py_hash_t>(intarsia::as_dim(c).hash() >> 1); });
  cond.def("__str__", &Condition::str).def("__repr__", &Condition::str);
}

void bind_dim_functions(nb::module_& m) {
  const auto two = [&m](const char* name, const char* doc, auto function) {
    m.def(
        name,
        [name, function](nb::handle a, nb::handle b) { return function(to_dim(a, name), to_dim(b, name)); },
        nb::arg("a"), nb::arg("b"), doc);
  };
  two("cdiv", "The smallest integer not below a / b.", [](const Dim& a, const Dim& b) { return cdiv(a, b); });
  two("dim_min", "The smaller of two.", [](const Dim& a, const Dim& b) { return min(a, b); });
  two("dim_max", "The larger of two.", [](const Dim& a, const Dim& b) { return max(a, b); });
  two("identical", "One normal form: equal for all values.",
      [](const Dim& a, const Dim& b) { return identical(a, b); });
  m.def(
      "known_equal",
      [](nb::handle a, nb::handle b) -> std::optional<bool> {
        const Known k = known_equal(to_dim(a, "known_equal"), to_dim(b, "known_equal"));
        return k == Known::kUnknown ? std::nullopt : std::optional(k == Known::kYes);
      },
      "True or False where it is proven, else None.");
  m.def(
      "select",
      [](nb::handle c, nb::handle a, nb::handle b) {
        return select(to_dim(c, "select"), to_dim(a, "select"), to_dim(b, "select"));
      },
      nb::arg("condition"), nb::arg("if_true"), nb::arg("if_false"),
      "The first value where the condition is not 0, else the second.");
}

void bind_dtype(nb::module_& m) {
  nb::enum_<DType> t(m, "DTypeCode");
  for (int i = 1; is_known(static_cast<DType>(i)); ++i) {
    const auto dtype = static_cast<DType>(i);
    t.value(std::string(name(dtype)).c_str(), dtype);
  }
  m.def("dtype_bits", &bits);
}

}  // namespace

std::optional<Dim> as_dim(nb::handle value) {
  if (nb::isinstance<Dim>(value)) return nb::cast<Dim>(value);
  if (nb::isinstance<Condition>(value)) return intarsia::as_dim(nb::cast<Condition>(value));
  if (PyLong_Check(value.ptr())) return Dim(to_int64(value, "an integer"));
  if (nb::hasattr(value, "__dim__")) return as_dim(value.attr("__dim__")());
  if (PyIndex_Check(value.ptr())) return Dim(to_int64(value, "an integer"));
  return std::nullopt;
}
Dim to_dim(nb::handle value, const char* what) {
  if (const std::optional<Dim> dim = as_dim(value)) return *dim;
  throw nb::type_error(fmt::format("{} takes integers and symbolic integers, not {}", what,
                                   nb::cast<std::string>(value.type().attr("__name__")))
                           .c_str());
}
Shape to_shape(nb::handle value, const char* what) {
  Shape shape;
  if (const std::optional<Dim> one = as_dim(value))
    shape.push_back(*one);
  else
    for (nb::handle item : value) shape.push_back(to_dim(item, what));
  return shape;
}
std::int64_t to_int64(nb::handle value, const char* what) {
  const nb::object index = nb::steal(PyNumber_Index(value.ptr()));
  if (!index.is_valid()) throw nb::python_error();
  int overflow = 0;
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow != 0)
    throw UserError(
        fmt::format("{} must fit 64 bits, {} does not", what, nb::cast<std::string>(nb::str(index))));
  return number;
}

void bind_base(nb::module_& m) {
  bind_dtype(m);
  bind_dim(m);
  bind_dim_functions(m);
}

}  // namespace intarsia::python
