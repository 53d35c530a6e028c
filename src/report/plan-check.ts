/** Whether a saved plan shows what it does: all that its reader sees is computed anew from its operations. */
import type { Diagnostic } from '../core/diagnostic.ts';
import { sameValue } from '../core/digest.ts';
import { worst } from '../core/disruption.ts';
import type { FileCode } from '../core/reason.ts';
import { refKey } from '../core/ref.ts';
import { straysOf } from '../kinds/bounds.ts';
import { betweenOf, costOf, idOf, isImageOp, isServerOp, isVmOp, reasonOf, targetOf } from '../kinds/operations.ts';
import type { Action, Op, Operation, Plan, PlanVm } from '../kinds/plan.ts';

/** What carries it out. */
export interface Maker {
  readonly version: string;
  readonly commands: (op: Op) => readonly string[];
}

type Wrong = readonly string[];

const differs = (what: string, field: string, shown: unknown, is: unknown): Wrong =>
  sameValue(shown, is) ? [] : [`${what} shows ${field} ${JSON.stringify(shown)}, and is ${JSON.stringify(is)}`];

const operationWrong = (o: Operation, plan: Plan, between: ReadonlySet<string>, { commands }: Maker): Wrong => {
  const { disruption, estimate } = costOf(o.op, between);
  return [
    ...differs(o.id, 'the id', o.id, idOf(o.op)),
    ...differs(o.id, 'the target', refKey(o.target), refKey(targetOf(o.op))),
    ...differs(o.id, 'the server', o.server, o.op.server),
    ...differs(o.id, 'the reason', o.reason, reasonOf(o.op)),
    ...differs(o.id, 'the disruption', o.disruption, disruption),
    ...differs(o.id, 'the time', o.estimate, estimate),
    ...differs(o.id, 'the commands', o.commands, commands(o.op)),
    ...straysOf(o.op, plan.farm).map((why) => `${o.id}: ${why}`),
  ];
};

/** What these operations of one VM may be called. */
const actionsOf = (ops: readonly Op[]): readonly Action[] => {
  const has = (...verbs: readonly Op['verb'][]): boolean => ops.some((op) => verbs.includes(op.verb));
  const stops = ops.some((op) => op.verb === 'stop' && !op.ended);
  if (ops.length === 0) return ['none'];
  if (has('undefine')) return ['delete'];
  if (has('release')) return ['release'];
  if (has('migrate')) return ['migrate'];
  if (has('suspend')) return ['suspend'];
  if (has('restart') || (stops && has('start', 'resume'))) return ['restart'];
  if (stops) return ['stop'];
  const fresh = ops.some((op) => op.verb === 'define' && op.record.replaces === 'absent');
  if (has('start', 'resume')) return fresh ? ['create', 'start'] : ['start'];
  if (has('pause')) return ['pause'];
  if (has('unpause')) return ['unpause'];
  if (has('stop')) return ['stop'];
  if (ops.every((op) => op.verb === 'ready')) return ['await'];
  return fresh ? ['create', 'update', 'adopt'] : ['update', 'adopt'];
};

/** The last server that it comes to; null: it stays. */
const goalsOf = (vm: PlanVm, ops: readonly Op[]): readonly (string | null)[] => {
  const peers = ops.flatMap((op) => (op.verb === 'migrate' ? [op.peer] : []));
  if (peers.length > 0) return peers.slice(-1).map((p) => (p === vm.server ? null : p));
  const coming = ops.filter((op) => ['define', 'start', 'resume', 'settle'].includes(op.verb));
  const elsewhere = coming.map((op) => op.server).filter((s) => s !== vm.server);
  return elsewhere.length > 0 ? elsewhere.slice(-1) : [null];
};

const vmWrong = (vm: PlanVm, plan: Plan): Wrong => {
  const key = vm.subject.name;
  const mine = plan.operations.filter(({ op }) => isVmOp(op) && op.vm.name === key);
  const ops = mine.map((o) => o.op);
  const loses = plan.operations.some(({ op }) => op.verb === 'delete-disk' && op.copied === null && op.of === key);
  const taken = vm.changes.flatMap((c) => (c.fate === 'take' && c.way ? [c.way.disruption] : []));
  const cost = worst([
    ...mine.map((o) => o.disruption),
    ...(mine.length === 0 ? [] : taken),
    ...(loses ? (['data-loss'] as const) : []),
  ]);
  const may = actionsOf(ops);
  const goals = goalsOf(vm, ops);
  return [
    ...differs(
      key,
      'the operations',
      vm.operations,
      mine.map((o) => o.id),
    ),
    ...(may.includes(vm.action) ? [] : differs(key, 'the action', vm.action, may[0])),
    ...differs(key, 'the disruption', vm.disruption, cost),
    ...(goals.includes(vm.to) ? [] : differs(key, 'the server that it goes to', vm.to, goals[0])),
    ...[...new Set(ops.flatMap((op) => (isVmOp(op) ? [op.uuid] : [])))]
      .slice(1)
      .map((u) => `${key} has a second UUID, ${u}`),
  ];
};

const restWrong = (plan: Plan): Wrong => {
  const of = (ids: readonly string[]): readonly Operation[] => plan.operations.filter((o) => ids.includes(o.id));
  return [
    ...plan.dom0s.flatMap((d) => [
      ...differs(d.subject.name, 'the name', d.name, d.subject.name),
      ...differs(
        d.name,
        'what is done',
        d.does,
        of(d.operations).map((o) => reasonOf(o.op)),
      ),
      ...of(d.operations).flatMap(({ id, op }) =>
        isServerOp(op) && op.server === d.name ? [] : [`${d.name} lists ${id}`],
      ),
    ]),
    ...plan.repositories.flatMap((r) => [
      ...r.servers.flatMap(({ server, does }) =>
        differs(
          `${r.subject.name} on ${server}`,
          'what is done',
          [...does].sort(),
          of(r.operations)
            .filter((o) => o.server === server)
            .map((o) => reasonOf(o.op))
            .sort(),
        ),
      ),
      ...of(r.operations).flatMap(({ id, op }) => {
        const own = !isVmOp(op) && !isImageOp(op) && !isServerOp(op) && op.repository.name === r.subject.name;
        return own && op.path === r.path && op.name === r.name && r.servers.some((s) => s.server === op.server)
          ? []
          : [`${r.subject.name} lists ${id}`];
      }),
      ...(r.action === 'erase' || !of(r.operations).some(({ op }) => op.verb === 'unmark-repository')
        ? []
        : [`${r.subject.name} shows ${r.action}, and is erase`]),
      ...(r.action === 'attach' && of(r.operations).some(({ op }) => op.verb === 'detach-repository')
        ? [`${r.subject.name} shows attach, and is detach`]
        : []),
    ]),
    ...plan.images.flatMap((i) =>
      of(i.operations).flatMap(({ op }) =>
        isImageOp(op)
          ? differs(
              i.subject.name,
              'the image',
              [i.subject.name, i.name, i.what, i.path, i.action],
              [op.image.name, op.name, op.what, op.path, op.verb === 'fetch-image' ? 'fetch' : 'remove'],
            )
          : [`${i.subject.name} lists an operation that is on no image`],
      ),
    ),
  ];
};

/** Why a plan that is whole may not be carried out: made by another version, or showing something else than it does. */
export const faultsOf = (plan: Plan, maker: Maker): readonly Diagnostic[] => {
  const problem = (code: FileCode, message: string): Diagnostic => ({
    severity: 'error',
    code,
    message,
    hint: 'make it anew with `reeve plan --out`',
  });
  if (plan.tool !== maker.version)
    return [problem('plan-version', `the plan was made by Reeve ${plan.tool}, and this is Reeve ${maker.version}`)];
  const between = betweenOf(plan.operations.map((o) => o.op));
  const wrong = [
    ...plan.operations.flatMap((o) => operationWrong(o, plan, between, maker)),
    ...plan.vms.flatMap((vm) => vmWrong(vm, plan)),
    ...restWrong(plan),
  ];
  return wrong.map((text) => problem('plan-shows', `the plan does not show what it does: ${text}`));
};
