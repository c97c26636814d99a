// Building a program: reachable functions, shared memory, module variables, inexact steps.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "base/error.h"
#include "ptx/decode.h"

namespace intarsia::ptx {
namespace {

constexpr std::uint32_t kStackBytes = 64 << 10;  // of a thread that calls functions or takes memory

void note_functions(const Operand& o, const Module& module, std::vector<const Function*>& out) {
  if (o.kind == Operand::Kind::kSymbol)
    if (const Function* f = module.find(o.name); f != nullptr && !f->declaration) out.push_back(f);
  for (const Operand& element : o.elements) note_functions(element, module, out);
}

// The entry first, then what it calls or names, and what tables of the module name.
std::vector<const Function*> reachable(const Module& module, const Entry& entry) {
  std::vector<const Function*> out{&entry};
  std::set<const Function*> seen{&entry};
  const auto add = [&](const std::vector<const Function*>& found) {
    for (const Function* f : found)
      if (seen.insert(f).second) out.push_back(f);
  };
  for (const Variable& v : module.variables)
    for (const Variable::Relocation& r : v.relocations)
      if (const Function* f = module.find(r.symbol); f != nullptr && !f->declaration) add({f});
  for (std::size_t i = 0; i < out.size(); ++i)
    for (const Instruction& in : out[i]->body)
      for (const Operand& o : in.operands) {
        std::vector<const Function*> found;
        note_functions(o, module, found);
        add(found);
      }
  return out;
}

struct Placed {
  const Variable* variable;
  std::string key;
};

// Variables of the module and of the functions' bodies; a body's are known as "function/name".
std::vector<Placed> all_variables(const Image& image) {
  std::vector<Placed> out;
  for (const Variable& v : image.module.variables) out.push_back({&v, v.name});
  for (const auto& code : image.codes)
    for (const Variable& v : code->function->locals) out.push_back({&v, code->function->name + "/" + v.name});
  return out;
}

void place_shared(Image& image, const std::vector<Placed>& all) {
  std::int64_t align = 16;
  for (const Placed& p : all) {
    if (p.variable->space != Space::kShared) continue;
    align = std::max(align, p.variable->align);
    if (p.variable->bytes == 0) continue;
    image.static_shared =
        (image.static_shared + p.variable->align - 1) / p.variable->align * p.variable->align;
    image.shared.emplace(p.key, image.static_shared);
    image.static_shared += p.variable->bytes;
  }
  const std::int64_t dynamic = (image.static_shared + align - 1) / align * align;
  bool any = false;
  for (const Placed& p : all)
    if (p.variable->space == Space::kShared && p.variable->bytes == 0)
      any = image.shared.emplace(p.key, dynamic).second || any;
  if (any) image.static_shared = dynamic;
}

bool is_stored(const Variable& v) { return v.space == Space::kGlobal || v.space == Space::kConst; }

// Variables that hold addresses of functions or of shared memory, or point to such variables: they differ
// from program to program, and each has its own.
std::set<std::string> own_variables(const std::vector<Placed>& all) {
  std::map<std::string, const Variable*> stored;
  for (const Placed& p : all)
    if (is_stored(*p.variable)) stored.emplace(p.key, p.variable);
  std::set<std::string> own;
  const auto differs = [&](const Variable::Relocation& r) {
    return !stored.contains(r.symbol) || own.contains(r.symbol);
  };
  for (bool grew = true; grew;) {
    grew = false;
    for (const auto& [key, variable] : stored)
      if (std::ranges::any_of(variable->relocations, differs)) grew |= own.insert(key).second;
  }
  return own;
}

// Of the sibling.
const Storage* shared_storage(const Image& image, const std::string& key) {
  if (image.sibling == nullptr) return nullptr;
  for (const Storage& s : image.sibling->storage)
    if (s.name == key) return &s;
  return nullptr;
}

void place_storage(Image& image, const std::vector<Placed>& all) {
  const std::set<std::string> own = own_variables(all);
  for (const Placed& p : all) {
    const Variable& v = *p.variable;
    if (!is_stored(v)) continue;
    Storage& s = image.storage.emplace_back();
    s.name = p.key;
    s.bytes = v.bytes;
    s.constant = v.space == Space::kConst;
    if (const Storage* shared = own.contains(p.key) ? nullptr : shared_storage(image, p.key)) {
      s.memory = shared->memory;
      s.data = shared->data;
      s.inherited = true;
      continue;
    }
    const auto align = static_cast<std::uintptr_t>(std::max<std::int64_t>(v.align, 16));
    s.memory = std::make_shared<std::byte[]>(static_cast<std::size_t>(v.bytes) + align);
    const auto address = reinterpret_cast<std::uintptr_t>(s.memory.get());
    s.data = s.memory.get() + (align - address % align) % align;
    for (std::size_t i = 0; i < v.data.size(); ++i) s.data[i] = static_cast<std::byte>(v.data[i]);
  }
}

std::uint64_t relocated(const Image& image, const std::string& symbol) {
  for (const Storage& s : image.storage)
    if (s.name == symbol) return reinterpret_cast<std::uint64_t>(s.data);
  if (const auto code = image.code_index.find(symbol); code != image.code_index.end())
    return kFunctionWindow + 16 * static_cast<std::uint64_t>(code->second);
  if (const auto shared = image.shared.find(symbol); shared != image.shared.end())
    return kSharedWindow + static_cast<std::uint64_t>(shared->second);
  throw UserError(
      fmt::format("{}: an initialiser names '{}', which has no address", image.module.source, symbol));
}

void relocate(Image& image, const std::vector<Placed>& all) {
  std::size_t at = 0;
  for (const Placed& p : all) {
    if (!is_stored(*p.variable)) continue;
    Storage& s = image.storage[at++];
    if (s.inherited) continue;  // kernels may have written it since
    for (const Variable::Relocation& r : p.variable->relocations) {
      const std::uint64_t value = relocated(image, r.symbol) + static_cast<std::uint64_t>(r.addend);
      std::memcpy(s.data + r.offset, &value, static_cast<std::size_t>(r.bytes));
    }
  }
}

std::uint32_t inexact_id(Image& image, const std::string& name) {
  const auto found = std::find(image.inexact_names.begin(), image.inexact_names.end(), name);
  if (found != image.inexact_names.end())
    return static_cast<std::uint32_t>(found - image.inexact_names.begin());
  image.inexact_names.push_back(name);
  return static_cast<std::uint32_t>(image.inexact_names.size()) - 1;
}

bool rounds_freely(const Instruction& in) {
  for (const std::string& m : in.modifiers)
    if (m == "rn" || m == "rz" || m == "rm" || m == "rp" || m == "sat") return false;
  const std::string& type = in.modifiers.empty() ? in.opcode : in.modifiers.back();
  return type == "f32" || type == "f64" || type == "f16" || type == "f16x2" || type == "bf16" ||
         type == "bf16x2";
}

// add and sub that ptxas may fuse with the mul that makes one of their operands.
void find_fusable(Image& image, Code& code) {
  const Function& f = *code.function;
  std::set<std::int32_t> products;
  for (const Instruction& in : f.body)
    if (in.opcode == "mul" && rounds_freely(in) && in.operands[0].kind == Operand::Kind::kRegister)
      products.insert(in.operands[0].index);
  for (std::size_t s = 0; s < code.steps.size(); ++s) {
    const Instruction* in = f.body.empty() ? nullptr : &f.body[static_cast<std::size_t>(code.instruction[s])];
    if (in == nullptr || (in->opcode != "add" && in->opcode != "sub") || !rounds_freely(*in)) continue;
    for (std::size_t k = 1; k < in->operands.size(); ++k) {
      const Operand& o = in->operands[k];
      if (o.kind != Operand::Kind::kRegister || products.count(o.index) == 0) continue;
      code.steps[s].inexact = inexact_id(image, fmt::format("mul+{}.{}", in->opcode, in->modifiers.back()));
      code.steps[s].flags |= kInexact;
    }
  }
}

// The bytes a memory instruction touches at least; 0 where it touches none.
std::uint32_t least_bytes(const Instruction& in) {
  const auto has = [&](std::string_view m) {
    return std::find(in.modifiers.begin(), in.modifiers.end(), m) != in.modifiers.end();
  };
  if (in.opcode == "ld" || in.opcode == "st" || in.opcode == "atom" || in.opcode == "red") {
    const auto each = static_cast<std::uint32_t>(bits(type_named(in.modifiers.back()))) / 8;
    return each * (has("v2") ? 2 : has("v4") ? 4 : has("v8") ? 8 : 1);
  }
  if (in.opcode == "ldmatrix" || in.opcode == "stmatrix") return 16;
  if (in.opcode == "mbarrier") return 8;
  if (in.opcode == "cp") return has("tensor") ? 1 : has("bulk") ? 16 : 4;
  return in.opcode == "wmma" || in.opcode == "st.async" ? 1 : 0;
}

// How finely the shadows of memory must see. An access is aligned, so it covers whole granules.
void find_granules(Image& image) {
  for (const auto& code : image.codes)
    for (const Instruction& in : code->function->body) {
      const std::uint32_t bytes = least_bytes(in);
      if (bytes == 0) continue;
      const auto of = [&](std::string_view space) {
        return std::any_of(in.modifiers.begin(), in.modifiers.end(),
                           [&](const std::string& m) { return m.starts_with(space); });
      };
      if (of("param") || of("local") || of("const")) continue;
      const bool both = in.opcode == "cp" || (!of("shared") && !of("global"));
      if (both || of("shared")) image.shared_granule = std::min(image.shared_granule, bytes);
      if (both || of("global")) image.global_granule = std::min(image.global_granule, bytes);
    }
}

}  // namespace

void decode(Image& image) {
  for (const Function* f : reachable(image.module, *image.entry)) {
    image.code_index.emplace(f->name, static_cast<std::int32_t>(image.codes.size()));
    image.codes.emplace_back(std::make_unique<Code>())->function = f;
  }
  const std::vector<Placed> all = all_variables(image);
  place_shared(image, all);
  place_storage(image, all);
  relocate(image, all);
  for (const auto& code : image.codes) {
    Decoder decoder(image, *code);
    decoder.run();
    for (const auto& [step, name] : decoder.inexact_steps())
      code->steps[step].inexact = inexact_id(image, name);
    find_fusable(image, *code);
  }
  find_granules(image);
  image.constants.insert(image.constants.begin(), 64, std::byte{0});
  const auto address = reinterpret_cast<std::uintptr_t>(image.constants.data());
  const std::size_t shift = (64 - address % 64) % 64;
  std::memmove(image.constants.data() + shift, image.constants.data() + 64, image.constants.size() - 64);
  image.aligned_constants = image.constants.data() + shift;
  bool stack = image.codes.size() > 1;
  for (const auto& code : image.codes) stack |= code->allocates;
  image.lane_local_bytes = (image.codes[0]->local_bytes + 15) / 16 * 16 + (stack ? kStackBytes : 0);
}

namespace {

std::shared_ptr<Image> made(Module module, std::string_view entry, const Image* sibling) {
  auto image = std::make_shared<Image>();
  image->module = std::move(module);
  image->entry = &image->module.entry(entry);
  image->parameters = parameter_list(*image->entry);
  image->sibling = sibling;
  decode(*image);
  image->sibling = nullptr;
  return image;
}

}  // namespace

Program::Program(Module module, std::string_view entry) : image_(made(std::move(module), entry, nullptr)) {}
Program::Program(Module module, std::string_view entry, const Program& sibling)
    : image_(made(std::move(module), entry, &sibling.image())) {}

const Module& Program::module() const { return image_->module; }
const Entry& Program::entry() const { return *image_->entry; }
std::int64_t Program::static_shared_bytes() const { return image_->static_shared; }
std::int64_t Program::local_bytes() const { return image_->lane_local_bytes; }

void* Program::variable(std::string_view name) const {
  for (const Storage& s : image_->storage)
    if (s.name == name) return s.data;
  return nullptr;
}

}  // namespace intarsia::ptx
