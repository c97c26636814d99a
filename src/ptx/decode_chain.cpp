// Finding runs of steps that a whole warp goes through as one (execute_chain.cpp).
#include <algorithm>

#include "ptx/decode.h"
#include "ptx/memory.h"

namespace intarsia::ptx {
namespace {

using Kind = ChainStep::Kind;

constexpr std::int64_t kMostSpread = 1 << 16;    // between offsets from one register
constexpr std::int64_t kMostOffset = 1LL << 40;  // so that they can be subtracted

int mode_of(const Decoded& step) { return step.small & 15; }

// Whether a load writes the register that another finds its address in.
bool writes(const Code& code, const ChainStep& load, const Decoded& other) {
  if (mode_of(other) == kAbsolute) return false;
  for (std::uint32_t k = 0; k < load.step->count; ++k)
    if (code.refs[load.step->extra + k].value == other.r[1].value) return true;
  return false;
}

// A sum of products: d = x y + c, where x and y were just loaded.
bool is_dot(const Code& code, const ChainStep* s) {
  if (s[0].kind != Kind::kWords || s[1].kind != Kind::kWords || s[2].kind != Kind::kFma) return false;
  if (s[0].step->count != 1 || s[1].step->count != 1) return false;
  const std::uint32_t x = code.refs[s[0].step->extra].value, y = code.refs[s[1].step->extra].value;
  const std::array<Ref, 6>& r = s[2].step->r;
  const bool both = (r[1].value == x && r[2].value == y) || (r[1].value == y && r[2].value == x);
  return both && x != y && r[3].value != x && r[3].value != y;
}

// Says so before each run of dots with the same bases.
void find_dots(const Code& code, Chain& chain, std::vector<Dot>& dots) {
  std::vector<ChainStep> out;
  for (std::size_t i = 0; i < chain.steps.size();) {
    const ChainStep* s = chain.steps.data() + i;
    const std::size_t first = dots.size();
    std::size_t count = 0;
    for (; i + count + 3 <= chain.steps.size() && is_dot(code, s + count); count += 3) {
      const ChainStep *x = s + count, *y = x + 1;
      if (x->base != s[0].base || y->base != s[1].base) break;
      const std::array<Ref, 6>& r = s[count + 2].step->r;
      dots.push_back({x->offset, y->offset, code.refs[x->step->extra].value, code.refs[y->step->extra].value,
                      r[0].value, r[3]});
    }
    if (count != 0) {
      ChainStep& marked = out.emplace_back();
      marked.kind = Kind::kDots;
      marked.first = static_cast<std::uint32_t>(first);
      marked.count = static_cast<std::uint32_t>(dots.size() - first);
    }
    count = std::max<std::size_t>(1, count);
    out.insert(out.end(), s, s + count);
    i += count;
  }
  chain.steps = std::move(out);
}

}  // namespace

ChainStep::Kind chain_kind(const Form& form) {
  switch (form.row->family) {
    case Family::kInteger:
    case Family::kBits:
    case Family::kHalf:
    case Family::kApprox:
    case Family::kCompare:
    case Family::kMove:
    case Family::kConvert: return Kind::kCall;
    case Family::kMemory: {
      const bool strong =
          form.has("volatile") || form.has("relaxed") || form.has("acquire") || form.has("release");
      return strong ? Kind::kNone : Kind::kCall;
    }
    case Family::kFloat: break;
    default: return Kind::kNone;
  }
  const std::string_view op = form.row->opcode;
  for (const std::string_view other : {"ftz", "sat", "rz", "rm", "rp"})
    if (form.has(other)) return Kind::kCall;
  if (form.type() != Type::kF32) return Kind::kCall;
  if (op == "fma" || op == "mad") return Kind::kFma;
  return op == "add" ? Kind::kAdd : op == "sub" ? Kind::kSub : op == "mul" ? Kind::kMul : Kind::kCall;
}

// What an instruction writes is in its first operand.
void Decoder::forget_written(std::vector<ChainBase>& bases, std::size_t s) const {
  const Instruction& in = function_.body[static_cast<std::size_t>(code_.instruction[s])];
  if (in.operands.empty() || in.operands[0].kind == Operand::Kind::kAddress) return;
  const auto forget = [&](const Operand& o) {
    if (o.kind != Operand::Kind::kRegister) return;
    const std::uint32_t written = registers_[static_cast<std::size_t>(o.index)].value;
    for (ChainBase& b : bases)
      if (mode_of(*b.first) != kAbsolute && b.first->r[1].value == written) b.live = false;
  };
  forget(in.operands[0]);
  for (const Operand& element : in.operands[0].elements) forget(element);
}

bool Decoder::join_words(Chain& chain, std::vector<ChainBase>& bases, std::size_t s) const {
  const Decoded& step = code_.steps[s];
  if (step.immediate < -kMostOffset || step.immediate > kMostOffset) return false;
  const auto bytes = static_cast<std::int64_t>(step.count) * 4;
  const auto shares = [&](const ChainBase& b) {
    const ChainStep& base = chain.steps[b.at];
    return b.live && mode_of(*b.first) == mode_of(step) && b.first->count == step.count &&
           (mode_of(step) == kAbsolute || b.first->r[1].value == step.r[1].value) &&
           (step.immediate - base.least) % bytes == 0 && std::abs(step.immediate - base.least) < kMostSpread;
  };
  auto found = std::find_if(bases.begin(), bases.end(), shares);
  if (found == bases.end()) {
    if (bases.size() == Chain::kMostBases) return false;
    // Before the loads that stand there, so that these are side by side.
    std::size_t at = chain.steps.size();
    while (at > 0 && chain.steps[at - 1].kind == Kind::kWords && !writes(code_, chain.steps[at - 1], step))
      --at;
    found = bases.insert(bases.end(), {at, &step, true});
    const auto index = static_cast<std::uint8_t>(bases.size() - 1);
    chain.steps.insert(chain.steps.begin() + static_cast<std::ptrdiff_t>(at),
                       {Kind::kBase, index, 0, 0, step.immediate, 0, 0, &step, nullptr});
  }
  const auto index = static_cast<std::uint8_t>(found - bases.begin());
  ChainStep& base = chain.steps[found->at];
  const std::int64_t end = std::max(base.least + base.bytes, step.immediate + bytes);
  base.least = std::min(base.least, step.immediate);
  base.bytes = static_cast<std::uint32_t>(end - base.least);
  chain.steps.push_back({Kind::kWords, index, 0, 0, 0, 0, 0, &step, nullptr});
  return true;
}

bool Decoder::join(Chain& chain, std::vector<ChainBase>& bases, std::size_t s) const {
  const Kind kind = kinds_[s];
  if (kind == Kind::kNone) return false;
  if (kind == Kind::kWords) {
    if (!join_words(chain, bases, s)) return false;
  } else {
    chain.steps.push_back({kind, 0, 0, 0, 0, 0, 0, &code_.steps[s], code_.steps[s].run});
  }
  ++chain.count;
  forget_written(bases, s);
  return true;
}

void Decoder::make_chains() {
  kinds_.resize(code_.steps.size(), Kind::kNone);
  auto chains = std::make_shared<Chains>();
  for (std::size_t s = code_.start; s < code_.steps.size();) {
    Chain chain;
    std::vector<ChainBase> bases;
    std::size_t next = s;
    while (next < code_.steps.size() && (next == s || (code_.steps[next].flags & kLeader) == 0) &&
           join(chain, bases, next))
      next += code_.steps[next].skip;
    // A chain of other steps gains nothing over the dispatcher.
    const auto loads = std::count_if(chain.steps.begin(), chain.steps.end(),
                                     [](const ChainStep& c) { return c.kind == Kind::kWords; });
    if (loads >= 2 && chains->all.size() <= 0xFFFF) {
      for (ChainStep& c : chain.steps)
        if (c.kind == Kind::kWords)
          c.offset = static_cast<std::uint32_t>(c.step->immediate - chain.steps[bases[c.base].at].least);
      find_dots(code_, chain, chains->dots);
      chain.alone = code_.steps[s].run;
      chain.next = code_.steps.data() + next;
      code_.steps[s].chain = static_cast<std::uint16_t>(chains->all.size());
      code_.steps[s].run = &run_chain;
      chains->all.push_back(std::move(chain));
    }
    s = std::max(next, s + code_.steps[s].skip);
  }
  code_.chains = std::move(chains);
}

}  // namespace intarsia::ptx
