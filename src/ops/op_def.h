// An operator is one constant: schema, dtype rule, infer, reference, decompose, doc, example.
//
// A built-in writes a constexpr OpDef (plain pointers and views, nothing to construct or to register before
// main). A plugin fills the same struct at run time; an OwnedOp keeps its strings and closures alive. Nodes
// hold an OpRef and cannot tell the two apart: unregistering hides an op from look-up and never breaks a
// graph.
//
// How it grows: new fields at the end, with a default that means "as before". What is keyed by op but belongs
// to another layer (implementations, gradients, importers) is a table of that layer, never a field here.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/attribute.h"
#include "base/dim.h"
#include "base/dtype.h"

namespace intarsia::ops {

struct OpDef;
using OpRef = std::shared_ptr<const OpDef>;

struct TensorType {
  DType dtype{};
  Shape shape;
};

// ---- schema
// -------------------------------------------------------------------------------------------------------

struct Input {
  std::string_view name = {};
  DTypes dtypes = kAnyType;
  int type_variable = -1;  // inputs and outputs with the same number have the same dtype
  bool variadic = false;   // zero or more; only the last input
  bool optional = false;   // may be absent; only after the required ones
  bool state = false;      // a buffer that outlives the call; only an aliased output may write it
  std::string_view doc = {};
};

struct Output {
  std::string_view name = {};
  DTypes dtypes = 0;  // one dtype, if no variable gives it; 0 and no variable: infer sets it
  int type_variable = -1;
  int alias_of = -1;  // shares the memory of this input: the op updates it in place
  bool size = false;  // a size tensor: 0-d i64 that holds a data-dependent extent of another output
  std::string_view doc = {};
};

// Stands for the alternative of AttributeValue with the same number; kNumber for a bool, an int or a float.
enum class AttributeKind : std::uint8_t {
  kBool = 1,
  kInt,
  kFloat,
  kString,
  kDType,
  kShape,
  kInts,
  kFloats,
  kStrings,
  kBytes,
  kArray,
  kNumber = 64,
};

struct AttributeDef {
  std::string_view name = {};
  AttributeKind kind{};
  bool required = true;
  std::string_view fallback =
      {};  // the default as attribute_text.h prints it (a string in quotes); empty: absent
  std::span<const std::string_view> choices = {};  // of a string: the only ones allowed
  std::string_view doc = {};
};

// ---- rules: free functions over a context. A plugin's closure is reached through op().self
// ---------------------------

struct Requirement {  // what infer could not decide: must hold when the graph runs
  Condition holds;
  std::string text;  // "columns of a (k) must equal rows of b (n)"
};

struct RegionType {
  std::vector<TensorType> params, results;
};  // bodies of cond, while, scan

// What infer sees. It runs when a tensor is made, on constants and symbols alike; it must be pure.
class InferContext {
 public:
  InferContext(const OpDef& op, std::span<const TensorType> inputs, const Attributes& attributes,
               std::span<const RegionType> regions = {}, std::string_view unique_prefix = "t");

  const OpDef& op() const { return op_; }
  std::size_t size() const { return inputs_.size(); }
  const TensorType& in(std::size_t i) const;
  const Attributes& attributes() const { return attributes_; }  // bound: defaults are there
  template <class T>
  const T& attribute(std::string_view name) const {
    return attributes_.get<T>(name);
  }
  bool has(std::string_view attribute) const { return attributes_.find(attribute) != nullptr; }
  const RegionType& region(std::size_t i) const;

  void require(bool holds, const std::string& what) const;  // UserError, preceded by the op
  void require_rank(std::size_t input, std::size_t rank) const;
  void require_holds(const Condition& condition, const std::string& what);  // UserError, or a requirement
  void require_equal(const Dim& a, const Dim& b, std::string_view what_a, std::string_view what_b);

  void out(Shape shape);               // next output; dtype by the schema's rule
  void out(Shape shape, DType dtype);  // where the schema leaves it open
  // A new symbol in [0, upper] whose value the op computes; it becomes known when the size output `port` is
  // read back.
  Dim data_extent(const Dim& upper, int port);

  struct DataExtent {
    Dim symbol, upper;
    int port;
  };
  struct Result {
    std::vector<TensorType> outputs;
    std::vector<Requirement> requirements;
    std::vector<DataExtent> data_extents;
  };
  Result finish();  // UserError where infer disagrees with the schema

 private:
  const OpDef& op_;
  std::span<const TensorType> inputs_;
  const Attributes& attributes_;
  std::span<const RegionType> regions_;
  std::string prefix_;
  Result result_;
};

struct HostTensor {  // row-major, in host memory
  DType dtype{};
  std::vector<std::int64_t> extents;
  void* data = nullptr;
};

struct ReferenceContext {  // the definition: slow on purpose, double or exact integers, no graph, no kernel
  const OpDef& op;
  const Attributes& attributes;
  std::span<const HostTensor> inputs;
  std::span<HostTensor> outputs;  // allocated at the upper bounds; a size tensor says how much counts
};

// What a decomposition (and a gradient, from its own table) writes into. graph/ implements it.
class GraphBuilder {
 public:
  struct Value {
    std::uint32_t index;
  };
  virtual ~GraphBuilder() = default;
  virtual TensorType type(Value value) const = 0;
  virtual std::vector<Value> add(const OpDef& op, std::span<const Value> inputs,
                                 const Attributes& attributes) = 0;
};
// The values of the outputs; empty where this node is a primitive after all.
using GraphRule = std::vector<GraphBuilder::Value> (*)(const OpDef& op, GraphBuilder& graph,
                                                       std::span<const GraphBuilder::Value> inputs,
                                                       const Attributes& attributes);

enum class Effect : std::uint8_t {
  kPure,      // may be removed, repeated, merged
  kState,     // writes an aliased state input: ordered with everything that touches that state
  kExternal,  // seen outside (print, send): never removed, repeated or reordered with another kExternal
};

// ---- the operator
// --------------------------------------------------------------------------------------------------

struct OpDef {
  std::string_view id = {};       // "softmax", or "namespace::name" of a plugin
  std::string_view summary = {};  // one line
  std::span<const Input> inputs = {};
  std::span<const AttributeDef> attributes = {};
  std::span<const Output> outputs = {};
  int num_regions = 0;
  Effect effect = Effect::kPure;

  void (*infer)(InferContext&) = nullptr;          // required
  void (*reference)(ReferenceContext&) = nullptr;  // required of built-ins
  GraphRule decompose = nullptr;                   // absent: a primitive, or a plugin
  std::string_view doc = {};                       // shapes, units, dtypes, errors; Markdown
  std::string_view example = {};                   // Python that CI runs
  const void* self = nullptr;                      // of a plugin: what its functions need
  std::span<const std::string_view> parameters =
      {};  // names in the order of a call; empty: inputs, then attributes
};

// A plugin's op with what its views point to. Make one, then take `ref`.
struct OwnedOp {
  std::vector<std::string> strings;  // reserve before pointing into it
  std::vector<Input> inputs;
  std::vector<AttributeDef> attributes;
  std::vector<Output> outputs;
  std::shared_ptr<const void> self;
  OpDef def;
};
OpRef ref(std::shared_ptr<OwnedOp> op);  // checks the schema; UserError names plugin, port or attribute, rule
inline OpRef ref(const OpDef& builtin) {
  return OpRef(OpRef(), &builtin);
}  // not counted: constants live forever

// The attributes as a node carries them: defaults filled in, types checked and widened (an int where a float
// is wanted, one int where a list is). UserError names the op, the attribute, what was given and what is
// wanted.
Attributes bind(const OpDef& op, const Attributes& given);

// The one way to a node's types: binds dtypes and attributes, applies the schema's dtype rule, runs infer.
InferContext::Result infer(const OpDef& op, std::span<const TensorType> inputs, const Attributes& attributes,
                           std::span<const RegionType> regions = {}, std::string_view unique_prefix = "t");
// The same for attributes that `bind` returned.
InferContext::Result infer_bound(const OpDef& op, std::span<const TensorType> inputs, const Attributes& bound,
                                 std::span<const RegionType> regions = {},
                                 std::string_view unique_prefix = "t");
void check_schema(const OpDef& op);  // UserError: the rule that the definition breaks

}  // namespace intarsia::ops
