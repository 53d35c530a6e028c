/** The plan document as JSON, and back: a file that is not a valid plan of this version is refused with reasons. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import type { LeaseDraft } from '../kinds/vm/lease.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import { digestOf } from '../core/digest.ts';
import { brief, cut, isObject, parseJson } from '../core/json.ts';
import { badName, badPath } from '../core/name.ts';
import type { FileCode } from '../core/reason.ts';
import { refKey } from '../core/ref.ts';
import { visible } from '../core/visible.ts';
import { isImageOp, isServerOp, isVmOp, targetOf } from '../kinds/operations.ts';
import type { Op, Plan } from '../kinds/plan.ts';

const planFormat = 'reeve-plan/1' satisfies Plan['format'];

/** Two-space JSON with a newline at its end, the plan's digest in it; the same plan gives the same bytes. */
export const planJson = ({ format, ...rest }: Plan): string =>
  `${visible(JSON.stringify({ format, digest: digestOf({ format, ...rest }), ...rest }, null, 2))}\n`;

const problem = (code: FileCode, message: string, hint?: string): Diagnostic => ({
  severity: 'error',
  code,
  message: cut(message),
  hint,
});

const again = 'make it anew with `reeve plan --out`';

/** `/operations/0/op/kib must be integer`: at most the first few, since one slip may show in many places. */
const shapeProblems = (errors: readonly ErrorObject[]): readonly Diagnostic[] => {
  const texts = errors.map((e) => {
    const extra: unknown = e.params['additionalProperty'];
    return `${e.instancePath || 'the document'} ${e.message ?? 'is wrong'}${typeof extra === 'string' ? ` (${extra})` : ''}`;
  });
  return [...new Set(texts)].slice(0, 10).map((t) => problem('bad-plan', `the plan is not whole: ${t}`, again));
};

const leased = (lease: LeaseDraft | null): readonly string[] =>
  lease === null ? [] : [lease.path, lease.folder, ...(lease.frees === null ? [] : [lease.frees])];

/** Where an operation would write, and what it is called on a command line. */
const reaches = (op: Op): { readonly names: readonly string[]; readonly paths: readonly string[] } => {
  if (isImageOp(op)) return { names: [op.name], paths: [op.path, op.folder] };
  if (isServerOp(op)) return { names: [op.name], paths: [] };
  if (!isVmOp(op)) return { names: [op.name], paths: [op.path, ...(op.verb === 'delete-disk' ? [op.disk] : [])] };
  switch (op.verb) {
    case 'define':
    case 'restart': {
      const { path, from, config } = op.record;
      const more = op.verb === 'restart' ? [...leased(op.lease), ...op.copies.flatMap((c) => [c.path, c.folder])] : [];
      return { names: [op.name, config.name], paths: [path, ...(from === null ? [] : [from.path]), ...more] };
    }
    case 'autostart':
      return { names: [op.name], paths: [op.path, op.link, ...op.links, ...(op.via === null ? [] : [op.via])] };
    case 'migrate':
      return {
        names: [op.name, op.peer],
        paths: op.leaves === null ? [] : [op.leaves.path, ...op.leaves.links],
      };
    case 'settle':
      return {
        names: [op.name],
        paths: [op.path, ...leased(op.lease), ...[op.link, op.via].filter((p) => p !== null)],
      };
    case 'suspend':
      return {
        names: [op.name, op.repository],
        paths: [op.file, op.folder, ...(op.leaves === null ? [] : [op.leaves.path, ...op.leaves.links])],
      };
    case 'unpause':
      return { names: [op.name], paths: op.saved === null ? [] : [op.saved] };
    case 'resume':
      return { names: [op.name], paths: [op.file, op.path, ...leased(op.lease)] };
    case 'forget':
    case 'undefine':
      return { names: [op.name], paths: [op.path, ...op.links] };
    case 'release':
      return { names: [op.name], paths: [op.path] };
    case 'start':
      return { names: [op.name, op.config.name], paths: [op.path, ...leased(op.lease)] };
    case 'rename':
      return { names: [op.name, op.to], paths: [] };
    case 'make-disk':
      return {
        names: [op.name, op.repository],
        paths: [op.path, op.folder, ...(op.from === null ? [] : [op.from.path])],
      };
    case 'make-seed':
      return { names: [op.name, ...(op.repository === null ? [] : [op.repository])], paths: [op.path, op.folder] };
    case 'adopt-disk':
    case 'grow-disk':
      return { names: [op.name, op.repository], paths: [op.path, op.folder] };
    case 'change-cd':
      return { names: [op.name], paths: op.path === null ? [] : [op.path] };
    case 'stop':
      return { names: [op.name], paths: op.lease === null ? [] : [op.lease.path] };
    case 'activate':
    case 'deactivate':
      return { names: [op.name], paths: [op.folder, ...op.paths, ...(op.lease === null ? [] : [op.lease.path])] };
    case 'unlease':
      return { names: [op.name], paths: [op.folder, op.lease.path] };
    case 'drop-image':
      return { names: [op.name], paths: [op.file] };
    case 'discard':
      return { names: [op.name, op.home], paths: [] };
    case 'pause':
    case 'set-memory':
    case 'set-vcpus':
    case 'set-sched':
    case 'set-affinity':
    case 'set-cpupool':
    case 'ready':
    case 'attach-disk':
    case 'detach-disk':
    case 'attach-nic':
    case 'detach-nic':
    case 'move-nic':
      return { names: [op.name], paths: [] };
  }
};

/** What no schema can say: ids are unique, needs lead backwards, operations do what they say they do. */
const inconsistencies = (plan: Plan): readonly Diagnostic[] => {
  const found: string[] = [];
  const seen = new Set<string>();
  const scope = new Set(plan.scope);
  const reached = new Set(plan.servers.map((s) => s.name));
  for (const s of [...scope, ...plan.fences.map((f) => f.server)])
    if (!reached.has(s)) found.push(`how ${s} is reached is missing`);
  for (const o of plan.operations) {
    if (seen.has(o.id)) found.push(`operation ${o.id} stands twice`);
    for (const need of o.needs)
      if (!seen.has(need)) found.push(`${o.id} needs ${need}, which does not stand before it`);
    seen.add(o.id);
    if (refKey(targetOf(o.op)) !== refKey(o.target) || o.op.server !== o.server)
      found.push(`${o.id} names two targets or servers`);
    if (!scope.has(o.server)) found.push(`${o.id} is on ${o.server}, which is not in the plan's scope`);
    if (!o.id.startsWith(`${o.target.name}/${o.op.verb}`)) found.push(`${o.id} is not what it does: ${o.op.verb}`);
    const { names, paths } = reaches(o.op);
    for (const n of names) {
      const bad = badName(n, o.target.kind === 'vm' ? 'VM' : o.target.kind);
      if (bad !== null) found.push(`${o.id}: ${bad}`);
    }
    for (const p of paths) {
      const bad = badPath(p);
      if (bad !== null) found.push(`${o.id}: ${p}: ${bad}`);
    }
  }
  const listed = [...plan.dom0s, ...plan.repositories, ...plan.images, ...plan.vms].flatMap((x) =>
    x.operations.map((id) => ({ owner: x.subject.name, id })),
  );
  for (const { owner, id } of listed)
    if (!seen.has(id)) found.push(`${owner} lists ${id}, which is no operation of the plan`);
  const shown = new Set(listed.map((l) => l.id));
  for (const id of seen)
    if (!shown.has(id)) found.push(`${id} belongs to no server, VM, repository or image of the plan`);
  for (const f of plan.fences) {
    for (const id of f.operations)
      if (!seen.has(id)) found.push(`${id} waits for ${f.server}, and is no operation of the plan`);
    if (scope.has(f.server)) found.push(`${f.server} is lost, and is in the plan's scope`);
    if (f.operations.length === 0) found.push(`${f.server} is to be down, and no operation waits for that`);
  }
  const touched = new Set(plan.touched.map((t) => refKey(t.subject)));
  for (const [key, { name }] of new Map(plan.operations.map((o) => [refKey(o.target), o.target]))) {
    if (!touched.has(key))
      found.push(`what was seen of ${name} is missing, so nobody could tell whether it changed since`);
  }
  return found.slice(0, 100).map((text) => problem('bad-plan', `the plan contradicts itself: ${text}`, again));
};

/** The document is the plan and its digest. */
type PlanDocument = Plan & { readonly digest: string };

const validators = new WeakMap<object, ValidateFunction<PlanDocument>>();

/** Compiling it takes a second. */
const validatorOf = (schema: object): ValidateFunction<PlanDocument> => {
  const known = validators.get(schema);
  if (known) return known;
  const ajv = new Ajv2020({
    allErrors: true,
    discriminator: true,
    inlineRefs: false,
    validateSchema: false,
    allowUnionTypes: true,
  });
  const made = ajv.compile<PlanDocument>(schema);
  validators.set(schema, made);
  return made;
};

/** A saved plan, or why it is none. `schema` is that of `schemas/plan.schema.json`. */
export const parsePlan = (text: string, schema: object): Plan | readonly Diagnostic[] => {
  const read = parseJson(text);
  if (!read.ok) return [problem('bad-plan', `the plan ${read.why}`, again)];
  const document = read.value;
  const format = isObject(document) ? document['format'] : undefined;
  if (format !== planFormat) {
    if (typeof format !== 'string') return [problem('bad-plan', `this is no plan of Reeve: it has no format`, again)];
    const other = `the plan has the format ${brief(format)}; this version of Reeve reads ${planFormat}`;
    return [problem('plan-version', other, again)];
  }
  const valid = validatorOf(schema);
  if (!valid(document)) return shapeProblems(valid.errors ?? []);
  const { digest, ...plan } = document;
  const wrong = inconsistencies(plan);
  if (wrong.length > 0) return wrong;
  const is = digestOf(plan);
  return digest === is
    ? plan
    : [problem('plan-shows', `the plan shows the digest ${digest}, and its own is ${is}`, again)];
};
