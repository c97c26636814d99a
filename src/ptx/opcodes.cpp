// Matching an instruction's modifiers against the table's rows, and naming the nearest form.
#include "ptx/opcodes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace intarsia::ptx {
namespace {

struct NamedSet {
  std::string_view name, alternatives;
};
constexpr std::array kSets = {
    NamedSet{"int", "u16|u32|u64|s16|s32|s64"},
    NamedSet{"int8", "u8|u16|u32|u64|s8|s16|s32|s64"},
    NamedSet{"fcmp", "eq|ne|lt|le|gt|ge|equ|neu|ltu|leu|gtu|geu|num|nan"},
    NamedSet{"mem", "b8|b16|b32|b64|b128|u8|u16|u32|u64|s8|s16|s32|s64|f32|f64"},
    NamedSet{"vec", "v2|v4|v8"},
    NamedSet{"from", "const|global|local|param|param::entry|param::func|shared|shared::cta|shared::cluster"},
    NamedSet{"to", "global|local|param|param::func|shared|shared::cta|shared::cluster"},
    NamedSet{"shared", "global|shared|shared::cta|shared::cluster"},
    NamedSet{"cop", "ca|cg|cs|lu|cv"},
    NamedSet{"level1", "L1::evict_normal|L1::evict_unchanged|L1::evict_first|L1::evict_last|L1::no_allocate"},
    NamedSet{"evict2", "L2::evict_normal|L2::evict_first|L2::evict_last"},
    NamedSet{"level2", "L2::64B|L2::128B|L2::256B"},
    NamedSet{"policy", "L2::evict_last|L2::evict_normal|L2::evict_first|L2::evict_unchanged"},
    NamedSet{"scope", "cta|cluster|gpu|sys"},
    NamedSet{"group8",
             "m64n8k8|m64n16k8|m64n24k8|m64n32k8|m64n40k8|m64n48k8|m64n56k8|m64n64k8|m64n72k8|m64n80k8|m"
             "64n88k8|m64n96k8|m64n104k8|m64n112k8|m64n120k8|m64n128k8|m64n136k8|m64n144k8|m64n152k8|m64"
             "n160k8|m64n168k8|m64n176k8|m64n184k8|m64n192k8|m64n200k8|m64n208k8|m64n216k8|m64n224k8|m64"
             "n232k8|m64n240k8|m64n248k8|m64n256k8"},
    NamedSet{"group16",
             "m64n8k16|m64n16k16|m64n24k16|m64n32k16|m64n40k16|m64n48k16|m64n56k16|m64n64k16|m64n72k16|m"
             "64n80k16|m64n88k16|m64n96k16|m64n104k16|m64n112k16|m64n120k16|m64n128k16|m64n136k16|m64n14"
             "4k16|m64n152k16|m64n160k16|m64n168k16|m64n176k16|m64n184k16|m64n192k16|m64n200k16|m64n208k"
             "16|m64n216k16|m64n224k16|m64n232k16|m64n240k16|m64n248k16|m64n256k16"},
    NamedSet{"group32",
             "m64n8k32|m64n16k32|m64n24k32|m64n32k32|m64n40k32|m64n48k32|m64n56k32|m64n64k32|m64n72k32|m"
             "64n80k32|m64n88k32|m64n96k32|m64n104k32|m64n112k32|m64n120k32|m64n128k32|m64n136k32|m64n14"
             "4k32|m64n152k32|m64n160k32|m64n168k32|m64n176k32|m64n184k32|m64n192k32|m64n200k32|m64n208k"
             "32|m64n216k32|m64n224k32|m64n232k32|m64n240k32|m64n248k32|m64n256k32"},
    NamedSet{"sharedcta", "shared|shared::cta"},
    NamedSet{"sharedany", "shared|shared::cta|shared::cluster"},
    NamedSet{"word", "u32|s32"},
    NamedSet{"dims", "1d|2d|3d|4d|5d"},
    NamedSet{"order", "relaxed|acquire|release|acq_rel"},
};

void split(std::string_view text, char at, std::vector<std::string_view>& out) {
  while (!text.empty()) {
    const std::size_t end = text.find(at);
    if (end != 0) out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

bool contains(const std::vector<std::string_view>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

bool in_set(std::string_view name, std::string_view item) {
  std::vector<std::string_view> alternatives;
  for (const NamedSet& set : kSets)
    if (set.name == name) split(set.alternatives, '|', alternatives);
  return contains(alternatives, item);
}

// Groups are in order and their alternatives disjoint enough for the first fit from the left.
bool fits(const Row& row, const std::vector<std::string_view>& modifiers) {
  std::size_t at = 0;
  for (const Group& group : groups(row)) {
    if (at < modifiers.size() && contains(group.alternatives, modifiers[at])) {
      ++at;
    } else if (!group.optional) {
      return false;
    }
  }
  return at == modifiers.size();
}

int distance(std::string_view a, std::string_view b) {
  std::vector<int> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    int diagonal = row[0];
    row[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const int above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// What was given, bent to a row at the least cost.
struct Bent {
  int cost = 0;
  std::string text;
};

// The alternative nearest to one of the given modifiers, and how far it is.
std::pair<std::string_view, int> closest(const Group& group, std::string_view given) {
  std::pair<std::string_view, int> best{group.alternatives.front(), 100};
  for (std::string_view alternative : group.alternatives) {
    const bool same_kind = (type_named(alternative) != Type::kNone) == (type_named(given) != Type::kNone);
    const int cost = (alternative == given ? 0 : 3 + distance(alternative, given)) + (same_kind ? 0 : 6);
    if (cost < best.second) best = {alternative, cost};
  }
  return best;
}

// Edit distance over the list of modifiers, with the form that reaches it.
Bent bend(const Row& row, const std::vector<std::string_view>& given) {
  constexpr int kDropped = 8, kMissing = 8;
  std::vector<Bent> best(given.size() + 1);
  for (std::size_t i = 0; i <= given.size(); ++i) best[i].cost = static_cast<int>(i) * kDropped;
  for (const Group& group : groups(row)) {
    std::vector<Bent> next(given.size() + 1);
    for (std::size_t i = 0; i <= given.size(); ++i) {
      next[i] = best[i];
      if (!group.optional)
        next[i] = {best[i].cost + kMissing, fmt::format("{}.{}", best[i].text, group.alternatives.front())};
      if (i == 0) continue;
      const auto [word, cost] = closest(group, given[i - 1]);
      if (best[i - 1].cost + cost < next[i].cost)
        next[i] = {best[i - 1].cost + cost, fmt::format("{}.{}", best[i - 1].text, word)};
      if (next[i - 1].cost + kDropped < next[i].cost)
        next[i] = {next[i - 1].cost + kDropped, next[i - 1].text};
    }
    best = std::move(next);
  }
  return best.back();
}

// Compilers and headers write the order, scope and space of an atomic in any place.
std::vector<std::string_view> in_order(std::string_view opcode,
                                       const std::vector<std::string_view>& modifiers) {
  if ((opcode != "atom" && opcode != "red") || contains(modifiers, "async")) return modifiers;
  constexpr std::array<std::string_view, 3> kFirst = {"order", "scope", "shared"};
  const auto rank = [&](std::string_view modifier) {
    std::size_t at = 0;
    while (at < kFirst.size() && !in_set(kFirst[at], modifier)) ++at;
    return at;
  };
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at <= kFirst.size(); ++at)
    for (std::string_view m : modifiers)
      if (rank(m) == at) out.push_back(m);
  return out;
}

}  // namespace

std::vector<Group> groups(const Row& row) {
  std::vector<std::string_view> words;
  split(row.modifiers, ' ', words);
  std::vector<Group> out;
  for (std::string_view word : words) {
    Group& group = out.emplace_back();
    group.optional = word.front() == '?';
    if (group.optional) word.remove_prefix(1);
    std::vector<std::string_view> parts;
    split(word, '|', parts);
    for (std::string_view part : parts) {
      if (part.front() != '@') {
        group.alternatives.push_back(part);
        continue;
      }
      for (const NamedSet& set : kSets)
        if (set.name == part.substr(1)) split(set.alternatives, '|', group.alternatives);
    }
  }
  return out;
}

std::span<const Row> opcode_table() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> all;
    for (const auto part : {simple_rows(), memory_rows(), matrix_rows(), async_rows(), video_rows()})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  }();
  return rows;
}

bool Form::has(std::string_view modifier) const { return contains(modifiers, modifier); }

Space Form::space() const {
  for (std::string_view m : modifiers) {
    if (m == "global") return Space::kGlobal;
    if (m.starts_with("shared")) return Space::kShared;
    if (m == "const") return Space::kConst;
    if (m == "local") return Space::kLocal;
    if (m.starts_with("param")) return Space::kParam;
  }
  return Space::kGeneric;
}

int Form::dimensions() const {
  for (std::string_view m : modifiers)
    if (m.size() == 2 && m[1] == 'd' && m[0] >= '1' && m[0] <= '5') return m[0] - '0';
  return 0;
}

std::string Form::text() const {
  std::string out(row->opcode);
  for (std::string_view m : modifiers) out += fmt::format(".{}", m);
  return out;
}

// The words with those that a modifier decides decided.
std::vector<std::string_view> Form::settled() const {
  std::vector<std::string_view> all, out;
  split(row->operands, ' ', all);
  for (std::string_view word : all) {
    if (word == "?U" && has("L2::cache_hint")) word.remove_prefix(1);
    if (word == "?q" && (has("and") || has("or") || has("xor"))) word.remove_prefix(1);
    if (word != "?U" && word != "?q") out.push_back(word);
  }
  return out;
}

std::size_t Form::most() const { return settled().size(); }
std::size_t Form::fewest() const {
  std::size_t out = 0;
  for (std::string_view word : settled()) out += word.front() != '?';
  return out;
}

std::vector<std::string_view> Form::words(std::size_t operands) const {
  const std::size_t needed = fewest();
  if (operands < needed || operands > most()) return {};
  std::vector<std::string_view> out;
  std::size_t spare = operands - needed;
  for (std::string_view word : settled()) {
    if (word.front() == '?') {
      if (spare == 0) continue;
      --spare;
      word.remove_prefix(1);
    }
    out.push_back(word);
  }
  return out;
}

Form match_modifiers(std::string_view opcode, const std::vector<std::string_view>& given) {
  const std::vector<std::string_view> modifiers = in_order(opcode, given);
  Form form;
  for (const Row& row : opcode_table()) {
    if (row.opcode != opcode || !fits(row, modifiers)) continue;
    form.row = &row;
    form.modifiers = modifiers;
    for (std::string_view m : modifiers)
      if (type_named(m) != Type::kNone) form.types.push_back(type_named(m));
    return form;
  }
  return form;
}

std::string_view refusal(std::string_view opcode, const std::vector<std::string_view>& modifiers) {
  const bool synchronised = contains(modifiers, "sync") && (opcode == "shfl" || opcode == "vote");
  if (synchronised) return {};
  for (const Refused& r : refused()) {
    std::vector<std::string_view> named;
    split(r.modifiers, '|', named);
    const auto given = [&](std::string_view m) { return contains(modifiers, m); };
    if (r.opcode == opcode && (named.empty() || std::any_of(named.begin(), named.end(), given)))
      return r.reason;
  }
  return {};
}

std::string nearest_form(std::string_view opcode, const std::vector<std::string_view>& modifiers) {
  std::string_view nearest_opcode;
  int least = 1000;
  for (const Row& row : opcode_table()) {
    const int cost = distance(row.opcode, opcode);
    if (cost < least) {
      least = cost;
      nearest_opcode = row.opcode;
    }
  }
  Bent best{1 << 20, ""};
  for (const Row& row : opcode_table()) {
    if (row.opcode != nearest_opcode) continue;
    Bent bent = bend(row, modifiers);
    if (bent.cost < best.cost) best = std::move(bent);
  }
  return fmt::format("{}{}", nearest_opcode, best.text);
}

}  // namespace intarsia::ptx
