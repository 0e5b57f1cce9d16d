/** Small ONNX models, written with protobufjs: the messages of onnx.proto, as far as they are needed. */
import protobuf from 'protobufjs/light.js';
import type { Data } from './data.js';

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** A graph over `inputs` (in the order of the row's arrays). `weights` are stored in the model, as an exporter would. */
export interface Model {
  readonly inputs: readonly string[];
  readonly weights?: readonly string[];
  /** Integer tensors that operators take as operands: axes and shapes. */
  readonly integers?: Readonly<Record<string, readonly number[]>>;
  readonly nodes: readonly OnnxNode[];
  readonly outputs: readonly string[];
}

const field = (id: number, type: string, rule?: 'repeated'): protobuf.IField =>
  rule === undefined ? { id, type } : { id, type, rule };

const root = protobuf.Root.fromJSON({
  nested: {
    Attribute: {
      fields: {
        name: field(1, 'string'),
        i: field(3, 'int64'),
        ints: field(8, 'int64', 'repeated'),
        type: field(20, 'int32'),
      },
    },
    Node: {
      fields: {
        input: field(1, 'string', 'repeated'),
        output: field(2, 'string', 'repeated'),
        opType: field(4, 'string'),
        attribute: field(5, 'Attribute', 'repeated'),
      },
    },
    Dim: { fields: { dimValue: field(1, 'int64') } },
    Shape: { fields: { dim: field(1, 'Dim', 'repeated') } },
    TensorType: { fields: { elemType: field(1, 'int32'), shape: field(2, 'Shape') } },
    Type: { fields: { tensorType: field(1, 'TensorType') } },
    ValueInfo: { fields: { name: field(1, 'string'), type: field(2, 'Type') } },
    Tensor: {
      fields: {
        dims: field(1, 'int64', 'repeated'),
        dataType: field(2, 'int32'),
        name: field(8, 'string'),
        rawData: field(9, 'bytes'),
      },
    },
    Graph: {
      fields: {
        node: field(1, 'Node', 'repeated'),
        name: field(2, 'string'),
        initializer: field(5, 'Tensor', 'repeated'),
        input: field(11, 'ValueInfo', 'repeated'),
        output: field(12, 'ValueInfo', 'repeated'),
      },
    },
    OperatorSet: { fields: { domain: field(1, 'string'), version: field(2, 'int64') } },
    Model: {
      fields: {
        irVersion: field(1, 'int64'),
        graph: field(7, 'Graph'),
        opsetImport: field(8, 'OperatorSet', 'repeated'),
      },
    },
  },
});

const [FLOAT, INT64] = [1, 7];
const [ATTRIBUTE_INT, ATTRIBUTE_INTS] = [2, 7];

/** The bytes of a model for arrays of these shapes. */
export function encodeModel(model: Model, arrays: readonly Data[]): Uint8Array {
  const named = model.inputs.map((name, i) => {
    const data = arrays[i];
    if (data === undefined) throw new Error(`no array for input ${name}`);
    return { name, ...data };
  });
  const isWeight = (name: string): boolean => model.weights?.includes(name) ?? false;
  const message = root.lookupType('Model').fromObject({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'bench',
      node: model.nodes.map(({ op, inputs, outputs, attributes = {} }) => ({
        opType: op,
        input: inputs,
        output: outputs,
        attribute: Object.entries(attributes).map(([name, value]) =>
          typeof value === 'number'
            ? { name, i: value, type: ATTRIBUTE_INT }
            : { name, ints: value, type: ATTRIBUTE_INTS },
        ),
      })),
      initializer: [
        ...named
          .filter(({ name }) => isWeight(name))
          .map(({ name, shape, values }) => ({
            name,
            dims: shape,
            dataType: FLOAT,
            rawData: new Uint8Array(values.buffer),
          })),
        ...Object.entries(model.integers ?? {}).map(([name, values]) => ({
          name,
          dims: [values.length],
          dataType: INT64,
          rawData: new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer),
        })),
      ],
      input: named
        .filter(({ name }) => !isWeight(name))
        .map(({ name, shape }) => ({
          name,
          type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map((d) => ({ dimValue: d })) } } },
        })),
      output: model.outputs.map((name) => ({ name, type: { tensorType: { elemType: FLOAT } } })),
    },
  });
  return root.lookupType('Model').encode(message).finish();
}
