#include "schedule/implementation.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "base/error.h"
#include "runtime/fields.h"

namespace intarsia::schedule {

// ---- the table
// -------------------------------------------------------------------------------------------------------

namespace {
struct Row {
  ImplementationRef implementation;
  std::string where;
};
using Rows = std::vector<Row>;

bool before(const Row& x, const Row& y) {
  const Implementation &a = *x.implementation, &b = *y.implementation;
  return a.priority != b.priority ? a.priority > b.priority : a.name < b.name;
}
}  // namespace

// Writers replace the rows of one op; readers copy a pointer under the lock and look at rows nobody changes.
struct ImplementationTable::State {
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<const Rows>, std::less<>> rows;

  std::shared_ptr<const Rows> of(std::string_view op) {
    const std::scoped_lock lock(mutex);
    const auto at = rows.find(op);
    return at == rows.end() ? std::make_shared<const Rows>() : at->second;
  }
};

ImplementationTable::ImplementationTable() : state_(std::make_shared<State>()) {}

void ImplementationTable::add(Implementation i, std::string where) {
  if (i.op.empty() || i.name.empty()) throw UserError("an implementation needs an operator and a name");
  if (!i.applies || !i.build)
    throw UserError(i.op + ": implementation '" + i.name + "' lacks applies or build");
  const std::scoped_lock lock(state_->mutex);
  auto& slot = state_->rows[i.op];
  Rows rows = slot ? *slot : Rows{};
  for (const Row& r : rows)
    if (r.implementation->name == i.name && r.where != where)
      throw UserError(i.op + ": implementation '" + i.name + "' is defined at " + r.where + " and again at " +
                      where);
  std::erase_if(rows, [&](const Row& r) { return r.implementation->name == i.name; });
  Row row{std::make_shared<const Implementation>(std::move(i)), std::move(where)};
  rows.insert(std::upper_bound(rows.begin(), rows.end(), row, before), std::move(row));
  slot = std::make_shared<const Rows>(std::move(rows));
}

bool ImplementationTable::remove(std::string_view op, std::string_view name) {
  const std::scoped_lock lock(state_->mutex);
  const auto at = state_->rows.find(op);
  if (at == state_->rows.end()) return false;
  Rows rows = *at->second;
  const bool found = std::erase_if(rows, [&](const Row& r) { return r.implementation->name == name; }) > 0;
  if (found) at->second = std::make_shared<const Rows>(std::move(rows));
  return found;
}

std::vector<ImplementationRef> ImplementationTable::of(std::string_view op) const {
  std::vector<ImplementationRef> out;
  const std::shared_ptr<const Rows> rows = state_->of(op);  // held: a writer may put others in their place
  for (const Row& r : *rows) out.push_back(r.implementation);
  return out;
}

// ---- choosing
// --------------------------------------------------------------------------------------------------------

namespace {
std::string unfit(const Implementation& i, const Query& query, bool ahead_of_time, Answer& answer) {
  using Machine = Implementation::Machine;
  if (i.machine != Machine::kAny && (i.machine == Machine::kCpu) != query.machine.cpu)
    return "for another machine";
  if (ahead_of_time && !i.ahead_of_time)
    return "runs a function of this process, which an engine file cannot hold";
  answer = i.applies(i, query);
  return answer.reason;
}

double bytes_of(const Dim& d) {  // where a cost is symbolic: at its largest known value, for ordering alone
  if (d.is_constant()) return static_cast<double>(d.constant());
  const Interval b = d.bounds();
  return static_cast<double>(b.max == std::numeric_limits<std::int64_t>::max() ? b.min : b.max);
}

template <class T, class Before>  // few items, equal ones keep their order
std::vector<T> in_order(std::vector<T> items, Before before) {
  std::vector<T> out;
  for (T& item : items) out.insert(std::upper_bound(out.begin(), out.end(), item, before), std::move(item));
  return out;
}

double estimate(const Implementation& i, const Query& query, const Tactic& tactic) {
  if (!i.cost) return 0;
  const Cost c = i.cost(i, query, tactic);
  return (bytes_of(c.bytes) + bytes_of(c.flops) / 16) / std::max(c.efficiency, 1e-3);
}
}  // namespace

std::vector<Choice> choose(const ImplementationTable& table, const Query& query, bool ahead_of_time,
                           std::vector<Rejected>* rejected) {
  struct Ranked {
    Choice choice;
    double cost;
  };
  std::vector<Ranked> found;
  for (ImplementationRef& i : table.of(query.node().op->id)) {
    Answer answer;
    if (std::string why = unfit(*i, query, ahead_of_time, answer); !why.empty()) {
      if (rejected) rejected->push_back({i->name, std::move(why)});
      continue;
    }
    std::vector<Tactic> tactics = i->tactics ? i->tactics(*i, query) : std::vector<Tactic>{};
    if (tactics.empty()) tactics.emplace_back();
    tactics = in_order(std::move(tactics), [&](const Tactic& a, const Tactic& b) {
      return estimate(*i, query, a) < estimate(*i, query, b);
    });
    const double cost = estimate(*i, query, tactics.front());
    found.push_back({{std::move(i), std::move(answer.guard), std::move(tactics)}, cost});
  }
  found = in_order(std::move(found), [](const Ranked& a, const Ranked& b) {
    const int x = a.choice.implementation->priority, y = b.choice.implementation->priority;
    return x != y ? x > y : a.cost < b.cost;
  });
  std::vector<Choice> out;
  for (Ranked& r : found) out.push_back(std::move(r.choice));
  return out;
}

// ---- what was built
// --------------------------------------------------------------------------------------------------

namespace {
class Hash {  // FNV-1a: the same on every machine
 public:
  void add(std::string_view text) {
    for (const unsigned char c : text) value_ = (value_ ^ c) * 0x100000001b3ull;
    value_ = (value_ ^ 0xff) * 0x100000001b3ull;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325ull;
};

std::string bytes_with_own_symbols(const runtime::Program& program) {
  std::vector<Symbol> symbols;
  for (const runtime::SymbolDef& s : program.symbols) symbols.push_back(s.symbol);
  for (const Dim& d : program.dims) collect_symbols(d, symbols);
  std::string out;
  runtime::Writer{out, symbols}.put(program);
  return out;
}

void add_to(Hash& h, const kernel::Element& e) {
  h.add(e.space.str());
  for (const auto& i : e.inputs)
    h.add(std::to_string(i.param.port) + std::string(name(i.dtype)) + i.offset.postfix());
  for (const auto& o : e.outputs) h.add(std::to_string(o.param.port) + std::string(name(o.dtype)));
  h.add(print(e.body));
}
}  // namespace

std::uint64_t digest_of_built(const Built& built) {
  Hash h;
  if (const auto* e = std::get_if<kernel::Element>(&built)) add_to(h, *e);
  if (const auto* k = std::get_if<Kernels>(&built))
    for (const KernelVariant& v : k->variants) {
      h.add(v.guard.str()), h.add(print(v.body));
      for (const kernel::Kernel& next : v.after) h.add(print(next));
    }
  if (const auto* s = std::get_if<Steps>(&built)) {
    h.add(bytes_with_own_symbols(s->program));
    for (const kernel::Kernel& k : s->kernels) h.add(print(k));
  }
  return h.value();
}

namespace {
struct Checker {
  const Query& query;
  std::string who;

  void require(bool holds, const std::string& what) const {
    if (!holds) throw UserError(who + ": " + what);
  }
  void port(bool input, std::uint32_t port, DType dtype, const std::string& of) const {
    const auto types = input ? query.inputs : query.outputs;
    const char* kind = input ? "input" : "output";
    require(port < types.size(), of + " is " + kind + " " + std::to_string(port) + ", which does not exist");
    require(types[port].dtype == dtype, of + " is " + std::string(name(dtype)) + ", but " + kind + " " +
                                            std::to_string(port) + " is " +
                                            std::string(name(types[port].dtype)));
  }
  void all_written(const std::vector<char>& written, const std::string& of) const {
    const auto at = std::find(written.begin(), written.end(), 0);
    require(at == written.end(),
            of + ": output " + std::to_string(at - written.begin()) + " is written by nothing");
  }

  void one(const kernel::Element& e) const {
    verify(e);
    require(e.body.params.size() == e.inputs.size(), "an element function needs a parameter per operand");
    std::vector<char> written(query.outputs.size(), 0);
    for (const auto& i : e.inputs)
      if (i.param.role == kernel::Role::kInput) port(true, i.param.port, i.dtype, "operand " + i.param.name);
    for (const auto& o : e.outputs) {
      port(false, o.param.port, o.dtype, "result " + o.param.name);
      require(!written[o.param.port],
              "output " + std::to_string(o.param.port) + " has two element functions");
      written[o.param.port] = 1;
      const Shape& shape = query.outputs[o.param.port].shape;
      require(known_equal(e.space.numel(), shape.numel()) != Known::kNo,
              "the element function's space " + e.space.str() + " is not that of output " + shape.str());
    }
    all_written(written, e.body.name);
  }
  void one(const kernel::Kernel& k, std::vector<char>& written) const {
    verify(k);
    for (const kernel::Param& p : k.params) {
      const std::string of = k.name + ": parameter " + p.name;
      const bool written_here = p.role == kernel::Role::kOutput || p.role == kernel::Role::kInOut;
      if (p.role == kernel::Role::kInput) port(true, p.port, k.type(p.value).dtype, of);
      if (written_here) port(false, p.port, k.type(p.value).dtype, of), written[p.port] = 1;
      require(p.role != kernel::Role::kScalar,
              of + " is a scalar nothing gives a value; make it a dim or a constant");
    }
  }
  void one(const Kernels& kernels) const {
    require(!kernels.variants.empty(), "no kernel was built");
    require(known(kernels.variants.back().guard) == Known::kYes,
            "the last kernel variant must serve every extent");
    for (const KernelVariant& v : kernels.variants) {
      std::vector<char> written(query.outputs.size(), 0);
      one(v.body, written);
      for (const kernel::Kernel& k : v.after) one(k, written);
      all_written(written, v.body.name);
    }
  }
  void one(const Steps& steps) const {
    for (const kernel::Kernel& k : steps.kernels) verify(k);
    std::vector<char> written(query.outputs.size(), 0);
    for (const runtime::Buffer& b : steps.program.buffers) {
      using Kind = runtime::Buffer::Kind;
      if (b.kind != Kind::kInput && b.kind != Kind::kOutput) continue;
      const bool input = b.kind == Kind::kInput;
      const auto types = input ? query.inputs : query.outputs;
      require(b.port < types.size(), "buffer " + b.name + " is " + (input ? "input " : "output ") +
                                         std::to_string(b.port) + ", which does not exist");
      if (!input) written[b.port] = 1;
    }
    all_written(written, "steps");
  }
};
}  // namespace

void check_built(const Built& built, const Query& query, std::string_view who) {
  const Checker checker{query, std::string(who)};
  try {
    std::visit([&](const auto& b) { checker.one(b); }, built);
  } catch (const InternalError& e) {  // what a plugin built is its author's fault
    throw UserError(std::string(who) + ": " + e.what());
  }
}

}  // namespace intarsia::schedule
