// Binds the tile language: operands in (values and Python numbers), values out.
#include <fmt/format.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "base/error.h"
#include "bindings.h"
#include "language.h"

namespace intarsia::python {

namespace {

using Self = std::shared_ptr<Tracer>;
using kernel::BinaryOp;

Operand operand(nb::handle h) {
  if (nb::isinstance<Value>(h)) return nb::cast<Value>(h).id;
  if (PyBool_Check(h.ptr())) return h.is(Py_True);
  if (PyFloat_Check(h.ptr())) return nb::cast<double>(nb::float_(nb::borrow(h)));
  if (!PyIndex_Check(h.ptr()))
    throw UserError(
        fmt::format("a number or block is wanted here, not {}", nb::cast<std::string>(nb::repr(h))));
  int overflow = 0;
  const nb::object index = nb::steal(PyNumber_Index(h.ptr()));
  const long long number = PyLong_AsLongLongAndOverflow(index.ptr(), &overflow);
  if (overflow == 0) return static_cast<std::int64_t>(number);
  const unsigned long long large = PyLong_AsUnsignedLongLong(index.ptr());
  if (!PyErr_Occurred()) return static_cast<std::uint64_t>(large);
  PyErr_Clear();
  throw UserError(fmt::format("{} does not fit 64 bits", nb::cast<std::string>(nb::repr(h))));
}
std::optional<Operand> maybe(nb::handle h) { return h.is_none() ? std::nullopt : std::optional(operand(h)); }
std::vector<Operand> operands(nb::handle list) {
  std::vector<Operand> out;
  for (nb::handle h : list) out.push_back(operand(h));
  return out;
}
ValueId id(Tracer& t, nb::handle h) { return t.words.value(operand(h)); }
std::vector<ValueId> ids(Tracer& t, nb::handle list) {
  std::vector<ValueId> out;
  for (nb::handle h : list) out.push_back(id(t, h));
  return out;
}
Value wrap(Tracer& t, ValueId v) { return {t.shared_from_this(), v}; }
nb::list wrap(Tracer& t, std::span<const ValueId> values) {
  nb::list out;
  for (ValueId v : values) out.append(nb::cast(wrap(t, v)));
  return out;
}

std::optional<int> axis_of(nb::handle h) {
  return h.is_none() ? std::nullopt : std::optional(nb::cast<int>(h));
}

constexpr std::pair<std::string_view, BinaryOp> kOps[] = {{"add", BinaryOp::kAdd},
                                                          {"sub", BinaryOp::kSub},
                                                          {"mul", BinaryOp::kMul},
                                                          {"truediv", BinaryOp::kTrueDivide},
                                                          {"floordiv", BinaryOp::kFloorDivide},
                                                          {"mod", BinaryOp::kRemainder},
                                                          {"pow", BinaryOp::kPow},
                                                          {"and", BinaryOp::kAnd},
                                                          {"or", BinaryOp::kOr},
                                                          {"xor", BinaryOp::kXor},
                                                          {"shl", BinaryOp::kShiftLeft},
                                                          {"shr", BinaryOp::kShiftRight},
                                                          {"max", BinaryOp::kMaximumNan},
                                                          {"min", BinaryOp::kMinimumNan},
                                                          {"maxnum", BinaryOp::kMaximum},
                                                          {"minnum", BinaryOp::kMinimum},
                                                          {"eq", BinaryOp::kEqual},
                                                          {"ne", BinaryOp::kNotEqual},
                                                          {"lt", BinaryOp::kLess},
                                                          {"le", BinaryOp::kLessEqual},
                                                          {"gt", BinaryOp::kGreater},
                                                          {"ge", BinaryOp::kGreaterEqual}};
BinaryOp op_named(std::string_view name) {
  for (const auto& [text, op] : kOps)
    if (text == name) return op;
  throw InternalError(fmt::format("no operator '{}' in the tile language", name));
}
Fn fn_named(const std::string& name) {
  const auto fn = kernel::function_named(name);
  check(fn.has_value(), "a function of the tile language");
  return *fn;
}
kernel::Semantics semantics_named(const std::string& name) {
  if (name == "relaxed") return kernel::Semantics::kRelaxed;
  if (name == "acquire") return kernel::Semantics::kAcquire;
  if (name == "release") return kernel::Semantics::kRelease;
  if (name == "acq_rel") return kernel::Semantics::kAcquireRelease;
  throw UserError(
      fmt::format("the order '{}' of an atomic is none of relaxed, acquire, release, acq_rel", name));
}

// A Python function of 2 n values that gives n.
kernel::Builder::Combine combiner(Tracer& t, nb::handle function) {
  return [&t, function](std::span<const ValueId> left, std::span<const ValueId> right) {
    nb::list given = wrap(t, left);
    for (ValueId v : right) given.append(nb::cast(wrap(t, v)));
    return ids(t, function(given));
  };
}

void bind_values(nb::module_& m) {
  nb::class_<Value>(m, "Value", "A value of the kernel under construction: a number, a block, or pointers.")
      .def_prop_ro("dtype", [](const Value& v) { return v.type().dtype; })
      .def_prop_ro("shape", [](const Value& v) { return kernel::extents_of(v.type()); })
      .def_prop_ro("is_pointer", [](const Value& v) { return v.type().kind == Type::Kind::kPointer; })
      .def_prop_ro("type", [](const Value& v) { return kernel::str(v.type()); })
      .def("__repr__", [](const Value& v) { return kernel::str(v.type()); });
  nb::class_<Tracer::Loop>(m, "KernelLoop");
}

void bind_blocks(nb::class_<Tracer>& c) {
  using Shape = std::vector<std::int64_t>;
  c.def("line", [](const Self& t, const std::string& place) { t->builder.line(place); });
  c.def("pointer",
        [](const Self& t, const std::string& name, DType d) { return wrap(*t, t->pointer(name, d)); });
  c.def("scalar",
        [](const Self& t, const std::string& name, DType d) { return wrap(*t, t->scalar(name, d)); });
  c.def("constant", [](const Self& t, nb::handle x) { return wrap(*t, t->words.value(operand(x))); });
  c.def("program_id", [](const Self& t, std::int64_t axis) { return wrap(*t, t->program_id(axis)); });
  c.def("num_programs", [](const Self& t, std::int64_t axis) { return wrap(*t, t->num_programs(axis)); });
  c.def("arange", [](const Self& t, std::int64_t a, std::int64_t b) { return wrap(*t, t->arange(a, b)); });
  c.def("full", [](const Self& t, const Shape& s, nb::handle x, DType d) {
    return wrap(*t, t->full(s, operand(x), d));
  });
  c.def("broadcast_to", [](const Self& t, nb::handle a, const Shape& s) {
    return wrap(*t, t->words.broadcast_to(operand(a), s));
  });
  c.def("broadcast", [](const Self& t, nb::handle a, nb::handle b) {
    const auto [x, y] = t->words.broadcast(id(*t, a), id(*t, b));
    const ValueId both[] = {x, y};
    return wrap(*t, both);
  });
  c.def("index", [](const Self& t, nb::handle a, const std::vector<bool>& fresh) {
    return wrap(*t, t->index(id(*t, a), fresh));
  });
  c.def("reshape",
        [](const Self& t, nb::handle a, const Shape& s) { return wrap(*t, t->words.reshape(id(*t, a), s)); });
  c.def("transpose", [](const Self& t, nb::handle a, const std::vector<int>& o) {
    return wrap(*t, t->words.permute(id(*t, a), o));
  });
  c.def("join", [](const Self& t, nb::handle a, nb::handle b) {
    return wrap(*t, t->words.join(operand(a), operand(b)));
  });
  c.def("split", [](const Self& t, nb::handle a) { return wrap(*t, t->words.split(id(*t, a))); });
  c.def("interleave", [](const Self& t, nb::handle a, nb::handle b) {
    return wrap(*t, t->words.interleave(operand(a), operand(b)));
  });
  c.def("cat", [](const Self& t, nb::handle a, nb::handle b) {
    return wrap(*t, t->words.cat(id(*t, a), id(*t, b)));
  });
  c.def("flip",
        [](const Self& t, nb::handle a, int axis) { return wrap(*t, t->words.flip(id(*t, a), axis)); });
  c.def("gather", [](const Self& t, nb::handle a, nb::handle i, int axis) {
    return wrap(*t, t->words.gather(id(*t, a), id(*t, i), axis));
  });
}

void bind_arithmetic(nb::class_<Tracer>& c) {
  c.def("binary", [](const Self& t, const std::string& op, nb::handle a, nb::handle b) {
    return wrap(*t, t->words.binary(op_named(op), operand(a), operand(b)));
  });
  c.def("unary", [](const Self& t, const std::string& fn, nb::handle a) {
    if (fn == "neg") return wrap(*t, t->words.negative(operand(a)));
    return wrap(*t, t->words.unary(fn_named(fn == "invert" ? "not" : fn), operand(a)));
  });
  c.def("fma", [](const Self& t, nb::handle x, nb::handle y, nb::handle z) {
    return wrap(*t, t->words.fma(operand(x), operand(y), operand(z)));
  });
  c.def("where", [](const Self& t, nb::handle x, nb::handle y, nb::handle z) {
    return wrap(*t, t->words.where(operand(x), operand(y), operand(z)));
  });
  c.def("sigmoid", [](const Self& t, nb::handle x) { return wrap(*t, t->words.sigmoid(operand(x))); });
  c.def("clamp", [](const Self& t, nb::handle x, nb::handle lo, nb::handle hi, bool nan) {
    return wrap(*t, t->words.clamp(operand(x), operand(lo), operand(hi), nan));
  });
  c.def("cdiv", [](const Self& t, nb::handle x, nb::handle y) {
    return wrap(*t, t->words.cdiv(operand(x), operand(y)));
  });
  c.def("cast", [](const Self& t, nb::handle a, DType d, bool bitcast) {
    return wrap(*t, bitcast ? t->words.bitcast(id(*t, a), d) : t->words.cast(operand(a), d));
  });
  c.def("condition", [](const Self& t, nb::handle a) { return wrap(*t, t->words.condition(operand(a))); });
  c.def("logical_not",
        [](const Self& t, nb::handle a) { return wrap(*t, t->words.logical_not(operand(a))); });
  c.def("logical", [](const Self& t, const std::string& op, nb::handle a, nb::handle b) {
    return wrap(*t, t->logical(op == "and", operand(a), operand(b)));
  });
  c.def("philox", [](const Self& t, nb::handle s, nb::handle o, int r) {
    return wrap(*t, t->words.philox(operand(s), operand(o), r));
  });
  c.def("rand", [](const Self& t, nb::handle s, nb::handle o, int r) {
    return wrap(*t, t->words.rand(operand(s), operand(o), r));
  });
  c.def("randn", [](const Self& t, nb::handle s, nb::handle o, int r) {
    return wrap(*t, t->words.randn(operand(s), operand(o), r));
  });
}

void bind_reductions(nb::class_<Tracer>& c) {
  c.def(
      "reduce",
      [](const Self& t, const std::string& fn, nb::handle a, nb::handle axis, bool keep,
         std::optional<DType> d) {
        const ValueId x = id(*t, a);
        const auto at = axis_of(axis);
        if (fn == "add") return wrap(*t, t->words.sum(x, at, keep, d));
        if (fn == "max") return wrap(*t, t->words.max(x, at, keep));
        if (fn == "min") return wrap(*t, t->words.min(x, at, keep));
        return wrap(*t, t->words.xor_sum(x, at, keep));
      },
      nb::arg("fn"), nb::arg("a"), nb::arg("axis").none(), nb::arg("keep_dims"), nb::arg("dtype").none());
  c.def("arg_reduce", [](const Self& t, const std::string& fn, nb::handle a, int axis, bool keep) {
    const ValueId x = id(*t, a);
    return wrap(
        *t, fn == "max" ? t->words.max_with_index(x, axis, keep) : t->words.min_with_index(x, axis, keep));
  });
  c.def("softmax",
        [](const Self& t, nb::handle a, int axis) { return wrap(*t, t->words.softmax(id(*t, a), axis)); });
  c.def("scan", [](const Self& t, const std::string& fn, nb::handle a, int axis, bool reverse) {
    return wrap(*t, fn == "add" ? t->words.cumsum(id(*t, a), axis, reverse)
                                : t->words.cumprod(id(*t, a), axis, reverse));
  });
  c.def(
      "reduce_with",
      [](const Self& t, nb::handle a, nb::handle axis, bool keep, nb::handle fn) {
        return wrap(*t, t->words.reduce(ids(*t, a), axis_of(axis), combiner(*t, fn), keep));
      },
      nb::arg("a"), nb::arg("axis").none(), nb::arg("keep_dims"), nb::arg("combine"));
  c.def("scan_with", [](const Self& t, nb::handle a, int axis, bool reverse, nb::handle fn) {
    return wrap(*t, t->words.scan(ids(*t, a), axis, combiner(*t, fn), reverse));
  });
  c.def(
      "dot",
      [](const Self& t, nb::handle a, nb::handle b, nb::handle acc, const std::string& precision,
         std::optional<DType> out) {
        const auto how = precision == "tf32"     ? kernel::Precision::kTf32
                         : precision == "tf32x3" ? kernel::Precision::kTf32x3
                                                 : kernel::Precision::kExact;
        const ValueId x = id(*t, a);
        const std::optional<ValueId> sum = acc.is_none() ? std::nullopt : std::optional(id(*t, acc));
        return wrap(*t, t->words.dot(x, id(*t, b), sum,
                                     t->type(x).dtype == DType::kF32 ? how : kernel::Precision::kExact, out));
      },
      nb::arg("a"), nb::arg("b"), nb::arg("acc").none(), nb::arg("precision"), nb::arg("out_dtype").none());
}

void bind_memory_access(nb::class_<Tracer>& c) {
  c.def(
      "load",
      [](const Self& t, nb::handle p, nb::handle mask, nb::handle other) {
        return wrap(*t, t->words.load(id(*t, p), maybe(mask), maybe(other)));
      },
      nb::arg("pointer"), nb::arg("mask").none(), nb::arg("other").none());
  c.def(
      "store",
      [](const Self& t, nb::handle p, nb::handle x, nb::handle mask) {
        t->words.store(id(*t, p), operand(x), maybe(mask));
      },
      nb::arg("pointer"), nb::arg("value"), nb::arg("mask").none());
  c.def(
      "atomic",
      [](const Self& t, const std::string& fn, nb::handle p, nb::handle x, nb::handle mask,
         const std::string& order) {
        return wrap(
            *t, t->words.atomic(fn_named(fn), id(*t, p), operand(x), maybe(mask), semantics_named(order)));
      },
      nb::arg("fn"), nb::arg("pointer"), nb::arg("value"), nb::arg("mask").none(), nb::arg("order"));
  c.def("atomic_cas", [](const Self& t, nb::handle p, nb::handle x, nb::handle y, const std::string& order) {
    return wrap(*t, t->words.atomic_cas(id(*t, p), operand(x), operand(y), semantics_named(order)));
  });
  c.def("device_assert", [](const Self& t, nb::handle x) { t->assert_(operand(x)); });
  c.def("assume", [](const Self& t, nb::handle x) { t->builder.assume(t->words.condition(operand(x))); });
  c.def("barrier", [](const Self& t) { t->builder.barrier(); });
}

void bind_control(nb::class_<Tracer>& c) {
  using Names = std::vector<std::string>;
  const auto token = [](RegionId r) { return static_cast<std::uint32_t>(r); };
  const auto region = [](std::uint32_t r) { return static_cast<RegionId>(r); };
  const auto types = [](Tracer& t, std::span<const ValueId> values) {
    std::vector<Type> out;
    for (ValueId v : values) out.push_back(t.type(v));
    return out;
  };
  c.def("enter", [token](const Self& t) { return token(t->enter({})); });
  c.def("leave", [](const Self& t) { t->leave(); });
  c.def("loop", [](const Self& t, nb::handle lo, nb::handle hi, nb::handle step) {
    return t->loop(operand(lo), operand(hi), operand(step));
  });
  c.def("enter_loop", [token, types](const Self& t, const Tracer::Loop& loop, nb::handle carried) {
    std::vector<ValueId> in = ids(*t, carried);
    in.insert(in.begin(), loop.lo);
    const RegionId r = t->enter(types(*t, in));
    const std::vector<ValueId> params(t->builder.params(r).begin(), t->builder.params(r).end());
    const ValueId variable = t->loop_variable(loop, params[0]);
    return nb::make_tuple(token(r), wrap(*t, variable), wrap(*t, std::span(params).subspan(1)));
  });
  c.def("enter_while", [token, types](const Self& t, nb::handle carried) {
    const RegionId r = t->enter(types(*t, ids(*t, carried)));
    const std::vector<ValueId> params(t->builder.params(r).begin(), t->builder.params(r).end());
    return nb::make_tuple(token(r), wrap(*t, params));
  });
  c.def("for_", [region](const Self& t, const Tracer::Loop& loop, nb::handle carried, std::uint32_t body,
                         nb::handle yields, const Names& names, std::int64_t stages) {
    return wrap(*t, t->for_(loop, ids(*t, carried), region(body), operands(yields), names, stages));
  });
  c.def("while_", [region](const Self& t, nb::handle carried, std::uint32_t test, nb::handle condition,
                           std::uint32_t body, nb::handle yields, const Names& names) {
    return wrap(*t, t->while_(ids(*t, carried), region(test), id(*t, condition), region(body),
                              operands(yields), names));
  });
  c.def("if_", [region](const Self& t, nb::handle condition, std::uint32_t then, nb::handle a,
                        std::uint32_t otherwise, nb::handle b, const Names& names) {
    return wrap(*t,
                t->if_(id(*t, condition), region(then), operands(a), region(otherwise), operands(b), names));
  });
  c.def("finish", [](const Self& t) { return t->finish(); });
}

}  // namespace

void bind_language(nb::module_& m) {
  bind_values(m);
  nb::class_<Tracer> c(m, "KernelBuilder", "A kernel under construction, expression by expression.");
  m.def("kernel_builder",
        [](const std::string& name, bool compat) { return std::make_shared<Tracer>(name, compat); });
  bind_blocks(c);
  bind_arithmetic(c);
  bind_reductions(c);
  bind_memory_access(c);
  bind_control(c);
}

}  // namespace intarsia::python
