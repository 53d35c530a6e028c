/** Whether a file has the shape that the schema gives: ajv's findings, one for each mistake, in words for people. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { parseDuration, parseSize } from '../core/quantity.ts';
import type { FileCode } from '../core/reason.ts';
import {
  cdromPattern,
  durationPattern,
  macPattern,
  nicPattern,
  secretPattern,
  sha256Pattern,
  sizePattern,
  uuidPattern,
  vdevPattern,
  type JsonSchema,
} from '../kinds/schema.ts';
import { ratePattern } from '../kinds/vm/rate.ts';
import { markNotBuilt, notBuiltKeyword } from './not-built.ts';
import { didYouMean, dotted, keysOf, step, type Place, type Problem } from './problem.ts';
import { farmSchema } from './schema.ts';
import { isSecretPlace } from './secret-places.ts';
import type { Source } from './source.ts';
import { table } from '../core/table.ts';

const isMap = (v: unknown): v is Record<string, unknown> => typeof v === 'object' && v !== null && !Array.isArray(v);

interface Checks {
  readonly file: ValidateFunction;
  readonly vm: ValidateFunction;
}

let checks: Checks | undefined;

const compiled = (): Checks => {
  if (checks) return checks;
  const ajv = new Ajv2020({
    allErrors: true,
    strict: true,
    allowUnionTypes: true,
    verbose: true,
    strictRequired: false,
  });
  ajv.addKeyword({
    keyword: notBuiltKeyword,
    schemaType: 'array',
    errors: false,
    validate: (values: readonly unknown[], data: unknown) => !values.includes(data),
  });
  const file = ajv.compile(markNotBuilt(farmSchema));
  const vm = ajv.compile({ $ref: `${farmSchema.$id}#/$defs/vm` });
  checks = { file, vm };
  return checks;
};

/** What ajv finds, each with the pointer at which it looked. */
const findings = (value: Record<string, unknown>): readonly { readonly at: string; readonly e: ErrorObject }[] => {
  const { file, vm } = compiled();
  const found: { at: string; e: ErrorObject }[] = [];
  const run = (check: ValidateFunction, data: unknown, at: string): void => {
    if (check(data)) return;
    for (const e of check.errors ?? []) found.push({ at: `${at}${e.instancePath}`, e });
  };
  // The VMs one by one: ajv copies its list of errors at every reference, so that 100,000 wrong ones would take forever.
  const { vms, ...rest } = value;
  if (!isMap(vms)) run(file, value, '');
  else {
    run(file, rest, '');
    for (const [name, body] of Object.entries(vms)) run(vm, body, `/vms${step(name)}`);
  }
  return found;
};

/**
 * The problems of the file's shape. What is wrong is taken out of `source.value`, so that what the rest of the file
 * says can still be checked; `spoiled` are the pointers of what was taken out.
 */
export const checkShape = (
  source: Source,
): { readonly problems: readonly Problem[]; readonly spoiled: readonly string[] } => {
  const problems: Problem[] = [];
  const spoiled = new Set<string>();
  for (const { at, e } of findings(source.value)) {
    const { problem, pointer } = discreet(explain(source.file, at, e), source.value);
    // One value, one error: the first that ajv found.
    if (spoiled.has(pointer)) continue;
    spoiled.add(pointer);
    problems.push(problem);
  }
  for (const pointer of spoiled) takeOut(source.value, pointer);
  return { problems, spoiled: [...spoiled] };
};

/** A value that may be a password, or a text with one, is not repeated. */
const discreet = (found: Explained, root: unknown): Explained => {
  const { problem, pointer } = found;
  if (!isSecretPlace(keysOf(pointer))) return found;
  const value = keysOf(pointer).reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], root);
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return found;
  const { hint } = problem;
  const message = problem.message.replace(shown(value), `a ${typeof value === 'string' ? 'text' : typeof value}`);
  return { pointer, problem: { ...problem, message, hint: hint?.includes(String(value)) ? 'put it in quotes' : hint } };
};

/** Removes a value; an entry of a map of named things leaves an empty one, so that its name is still known. */
const takeOut = (value: Record<string, unknown>, pointer: string): void => {
  const keys = keysOf(pointer);
  const last = keys.at(-1);
  let at: unknown = value;
  for (const key of keys.slice(0, -1)) at = (at as Record<string, unknown> | undefined)?.[key];
  if (last === undefined) return;
  if (Array.isArray(at)) at.splice(Number(last), 1, '');
  else if (isMap(at)) {
    const parent = keys.at(-2) ?? '';
    if (['servers', 'pools', 'networks', 'repositories', 'profiles', 'vms'].includes(parent) && !isMap(at[last]))
      at[last] = {};
    else delete at[last];
  }
};

interface Explained {
  readonly problem: Problem;
  readonly pointer: string;
}

const explain = (file: string, at: string, e: ErrorObject): Explained => {
  const schema = (e.parentSchema ?? {}) as JsonSchema;
  const where = at === '' ? 'the file' : dotted(at);
  const value = (code: FileCode, message: string, hint: string | undefined) => ({
    problem: { code, message, at: { file, pointer: at }, hint },
    pointer: at,
  });
  const params = e.params as Record<string, unknown>;
  if (schema.pattern === secretPattern) return { problem: literalSecret({ file, pointer: at }, where), pointer: at };
  switch (e.keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const pointer = `${at}${step(key)}`;
      return { problem: unknownKey(file, key, pointer, where, schema), pointer };
    }
    case 'required': {
      const key = String(params['missingProperty']);
      return {
        problem: {
          code: 'missing-key',
          message: `${where} has no ${JSON.stringify(key)}`,
          at: { file, pointer: at, on: 'key' },
          hint: schema.properties?.[key]?.description ? `${key}: ${schema.properties[key].description}` : undefined,
        },
        pointer: `${at}${step(key)}`,
      };
    }
    case notBuiltKeyword: {
      const what = `${keysOf(at).at(-1) ?? ''}: ${String(e.data)}`;
      const hint = 'take it out; it is never ignored silently';
      return value('not-built', `\`${what}\` is not built yet in this version`, hint);
    }
    case 'type':
      return value(...wrongType(where, e.data, schema));
    case 'enum': {
      const choices = (params['allowedValues'] as readonly unknown[]).map(String);
      return value('bad-value', `${where} cannot be ${shown(e.data)}`, didYouMean(String(e.data), choices, 'it'));
    }
    case 'pattern':
      return value(...badForm(where, e.data, schema.pattern ?? ''));
    case 'minimum':
    case 'maximum': {
      const bound = e.keyword === 'minimum' ? 'at least' : 'at most';
      return value('out-of-range', `${where} is ${shown(e.data)}`, `it must be ${bound} ${String(params['limit'])}`);
    }
    case 'minItems':
    case 'minProperties':
    case 'minLength':
      return value('empty', `${where} is empty`, 'fill it in, or take it out');
    case 'maxItems':
      return value('too-many', `${where} has too many items`, `at most ${String(params['limit'])} are allowed`);
    case 'uniqueItems':
      return {
        problem: {
          code: 'duplicate-item',
          message: `${where} names ${shown((e.data as unknown[])[Number(params['j'])])} twice`,
          at: { file, pointer: `${at}${step(Number(params['i']))}` },
          hint: 'take one of them out',
        },
        pointer: at,
      };
    default:
      return value('bad-value', `${where} ${e.message ?? 'is wrong'}`, undefined);
  }
};

const patternKeys: Readonly<Record<string, string>> = table({
  [vdevPattern]:
    'disks are named xvda, xvdb … xvdz, xvdaa …, hda … hdd and sda … sdp; with a number behind it, a partition',
  [cdromPattern]: 'CD drives are named hda … hdd',
  [nicPattern]: 'NICs are named eth0 … eth15',
});

const unknownKey = (file: string, key: string, pointer: string, where: string, schema: JsonSchema): Problem => {
  const at = { file, pointer, on: 'key' } as const;
  const pattern = Object.keys(schema.patternProperties ?? {})[0];
  if (pattern !== undefined) {
    return { code: 'bad-name', message: `${where} has ${JSON.stringify(key)}`, at, hint: patternKeys[pattern] };
  }
  const known = Object.keys(schema.properties ?? {});
  const hint =
    key === '<<' ? 'merge keys are not part of YAML 1.2; use a profile' : didYouMean(key, known, 'the keys here');
  return { code: 'unknown-key', message: `unknown key ${JSON.stringify(key)} in ${where}`, at, hint };
};

const shown = (v: unknown): string => {
  if (v === null) return 'empty';
  if (Array.isArray(v)) return 'a list';
  if (typeof v === 'object') return 'a map';
  const text = JSON.stringify(v);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};

const typeNames: Readonly<Record<string, string>> = table({
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
});

const quantity = (pattern: string | undefined) =>
  pattern === sizePattern ? parseSize : pattern === durationPattern ? parseDuration : undefined;

/** Code, message, hint. */
type Words = readonly [FileCode, string, string | undefined];

const wrongType = (where: string, data: unknown, schema: JsonSchema): Words => {
  const types = [schema.type ?? []].flat();
  const parse = quantity(schema.pattern);
  if (parse && typeof data === 'number') return badForm(where, data, schema.pattern ?? '');
  const expected = types.map((t) => (t === 'string' && parse ? 'a quantity' : (typeNames[t] ?? t))).join(' or ');
  const text = typeof data === 'string' || typeof data === 'number' || typeof data === 'boolean' ? String(data) : null;
  let hint: string | undefined;
  if (schema.enum) hint = didYouMean(text ?? '', schema.enum, 'it');
  else if (data === null) {
    hint = types.includes('object') ? 'write `{}`, or take the key out' : 'give it a value, or take the key out';
  } else if (text !== null) {
    if (types.includes('boolean') && /^(yes|no|on|off)$/i.test(text)) hint = 'YAML 1.2 has only true and false';
    else if (types.includes('array') && !types.includes('string')) hint = `write [${text}]`;
    else if (types.includes('integer') && /^\d+$/.test(text)) hint = `write ${text} without quotes`;
    else if (types.includes('string')) hint = `put it in quotes: "${text}"`;
  }
  const [example] = schema.examples ?? [];
  if (hint === undefined && example !== undefined) hint = `write it like ${JSON.stringify(example)}`;
  return ['wrong-type', `${where} must be ${expected}, and is ${shown(data)}`, hint];
};

/** What stands there may be the password: neither it nor its line is shown. */
const literalSecret = (at: Place, where: string): Problem => ({
  code: 'literal-secret',
  message: `${where} is no reference`,
  at,
  hint: 'never write a password here: name it as ${env:NAME} or ${file:PATH}',
  conceal: true,
});

const forms: Readonly<Record<string, string>> = table({
  [ratePattern]: 'a rate is like 10Mb/s or 500KB/s (G, M, K; b is bits, B bytes), with @20ms for another interval',
  [macPattern]: 'a MAC is six pairs of hex digits, like "02:5a:7c:00:00:01"',
  [uuidPattern]: 'a UUID is like 3f1c8c1e-9b5e-4c64-8d5b-0f3c5a0e7b11',
  [sha256Pattern]: 'a sha256 is 64 hex digits in lower case',
});

const badForm = (where: string, data: unknown, pattern: string): Words => {
  const parsed = quantity(pattern)?.(data);
  if (parsed && !parsed.ok)
    return [
      'bad-unit',
      `${where} is ${shown(data)}: ${parsed.why.split(/[:(]/)[0]?.trim()}`,
      unitHint(data as string | number, pattern),
    ];
  return ['bad-value', `${where} cannot be ${shown(data)}`, forms[pattern]];
};

const unitHint = (data: string | number, pattern: string): string => {
  const number = /^\d+(\.\d+)?/.exec(String(data))?.[0];
  if (pattern === durationPattern) return `write ${number ?? 10}s (ms, s, m, h)`;
  return number === undefined
    ? 'write it like 512MiB or 4GiB'
    : `write ${number}MiB or ${number}GiB (KiB, MiB, GiB, TiB)`;
};
