/** A saved plan in which one value was changed is refused, or shows the change: what is shown is what runs. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDemoFarm, type DemoFarm } from '../../../src/cli/demo-farm.ts';
import { run } from '../../../src/cli/program.ts';
import type { Op, Plan } from '../../../src/kinds/plan.ts';
import { faultsOf } from '../../../src/report/plan-check.ts';
import { parsePlan, planJson } from '../../../src/report/plan-json.ts';
import { renderPlan } from '../../../src/report/plan-text.ts';
import { renderOperations } from '../../../src/report/saved-plan.ts';
import { xl } from '../../../src/toolstacks/xl/index.ts';
import { fakeShell } from './shell.ts';

const schema = JSON.parse(
  readFileSync(new URL('../../../schemas/plan.schema.json', import.meta.url), 'utf8'),
) as object;
const maker = { version: '0.1.0', commands: (op: Op) => xl.commands(op) };

const vm = (name: string, server: string, more = ''): string =>
  `  ${name}: { profile: small, server: ${server}, disks: { xvda: { path: /dev/vg0/${name} } }${more} }\n`;
const shared = (more = '', disks = ''): string =>
  `  mail: { profile: small, disks: { xvda: { repository: vmstore, size: 1GiB }${disks} }${more} }\n`;

let farm: DemoFarm;
const plans: Plan[] = [];
const path = (): string => join(farm.folder, 'plan.json');
const reeve = async (...argv: readonly string[]) => {
  const heard = fakeShell({ home: farm.folder });
  const code = await run(argv, heard.shell);
  return { code, out: heard.out(), err: heard.err() };
};
const saved = async (...options: readonly string[]): Promise<Plan> => {
  const { code, err } = await reeve('plan', farm.path, '--out', path(), ...options);
  if (code !== 0) throw new Error(err);
  const parsed = parsePlan(readFileSync(path(), 'utf8'), schema);
  if (!('format' in parsed)) throw new Error(JSON.stringify(parsed));
  return parsed;
};

beforeAll(async () => {
  farm = await startDemoFarm(Infinity, 'demo', true);
  const before = vm('web-1', 'dom01') + vm('web-2', 'dom01') + vm('db-1', 'dom03') + shared();
  await farm.describe(before);
  plans.push(await saved());
  await reeve('apply', farm.path, '--yes');
  await farm.sim.settle();
  await farm.describe(
    vm('web-1', 'dom01', ', vcpus: { count: 2 }, networks: [dmz]') +
      vm('web-2', 'dom01', ', state: absent') +
      vm('db-1', 'dom03', ', memory: { max: 4GiB }') +
      shared(', server: dom02', ', xvdb: { repository: vmstore, size: 1GiB }'),
  );
  plans.push(await saved('--allow', 'data-loss=*'));
});
afterAll(() => farm.close());

type Leaf = readonly (string | number)[];

const leavesOf = (v: unknown, at: Leaf = []): readonly Leaf[] => {
  if (typeof v !== 'object' || v === null) return [at];
  const inner = Object.entries(v).flatMap(([k, x]) => leavesOf(x, [...at, Array.isArray(v) ? Number(k) : k]));
  return inner.length > 0 ? inner : [at];
};

/** Another value of the same kind, which a hand might put there. */
const othersOf = (v: unknown): readonly unknown[] => {
  if (typeof v === 'boolean') return [!v];
  if (typeof v === 'number') return [v + 1];
  if (v === null) return ['/etc/shadow', true];
  if (typeof v !== 'string') return [];
  if (/^\$?sha256:|^[0-9a-f]{64}$/.test(v)) return [v.replace(/.$/, (c) => (c === '0' ? '1' : '0'))];
  if (v.startsWith('/')) return ['/etc/fstab', '/etc/xen/db-1.cfg', v.replace(/[^/]+$/, 'other')];
  return ['live', 'dom02', `${v}x`].filter((w) => w !== v);
};

const changed = (v: unknown, [key, ...rest]: Leaf, to: unknown): unknown => {
  if (key === undefined) return to;
  if (Array.isArray(v)) return v.map((x: unknown, i) => (i === key ? changed(x, rest, to) : x));
  return { ...(v as object), [key]: changed((v as Record<string, unknown>)[key], rest, to) };
};
const valueAt = (v: unknown, at: Leaf): unknown => at.reduce((x, k) => (x as Record<string | number, unknown>)[k], v);

/** Of each verb, each field once. */
const kindOf = (plan: Plan, [part, n, ...rest]: Leaf): string =>
  `${part} ${part === 'operations' ? plan.operations[Number(n)]?.op.verb : ''} ${rest.filter((k) => typeof k === 'string').join('.')}`;

const refused = (plan: unknown): boolean => {
  const parsed = parsePlan(planJson(plan as Plan), schema);
  return !('format' in parsed) || faultsOf(parsed, maker).length > 0;
};
/** Without the plan's digest, which would change for anything. */
const shown = (plan: Plan): string =>
  renderPlan(plan, { color: false, width: 100, commands: true }) +
  renderOperations(plan, '', maker.commands, { color: false, width: 100 });

/**
 * What decides nothing about what runs: what was read, and what may have changed since (where it did not, the plan is stale);
 * the options that shaped it; what is left alone; the order, which is not text; and Reeve's own notes in a marker.
 */
const notes = [
  /^(?:options|unmanaged|unreadable|warnings|counted|refused|bound)(?:\.|$)/,
  /^(?:desired|scope|servers\.\d+\.pool)/,
  /^touched\./,
  /^vms\.\d+\.changes\./,
  /^vms\.\d+\.(?:placed|name)$/,
  /^(?:dom0s|repositories|images)\.\d+\.pool$/,
  /^operations\.\d+\.(?:needs|lane)/,
  /\.op\.(?:.*\.)?(?:digest|replaces)$/,
  /\.marker\./,
  /\.generation$/,
];

describe('one value changed', () => {
  test.each([0, 1])('plan %i is refused, or shows it', (n) => {
    const plan = plans[n];
    if (!plan) throw new Error('no plan');
    expect(refused(plan)).toBe(false);
    expect(plan.operations.length).toBeGreaterThan(5);
    const before = shown(plan);
    const silent: string[] = [];
    const kinds = new Set<string>();
    for (const leaf of leavesOf(plan)) {
      const at = leaf.join('.');
      const kind = kindOf(plan, leaf);
      if (kinds.has(kind) || notes.some((r) => r.test(at))) continue;
      kinds.add(kind);
      const value = valueAt(plan, leaf);
      for (const other of othersOf(value).filter((o) => o !== value)) {
        const tampered = changed(plan, leaf, other) as Plan;
        if (!refused(tampered) && shown(tampered) === before) silent.push(`${at}: ${JSON.stringify(other)}`);
      }
    }
    expect(kinds.size).toBeGreaterThan(60);
    expect(silent).toEqual([]);
  });
});

describe('reeve apply', () => {
  const tampered = async (change: (plan: Plan) => unknown) => {
    const [, plan] = plans;
    if (!plan) throw new Error('no plan');
    writeFileSync(path(), planJson(change(plan) as Plan));
    const before = [...farm.sim.counts.values()].map((c) => c.connections);
    const ended = await reeve('apply', path(), '--yes');
    expect([...farm.sim.counts.values()].map((c) => c.connections)).toEqual(before);
    return ended;
  };

  test('refuses a plan of another version, and says which', async () => {
    const { code, err } = await tampered((plan) => ({ ...plan, tool: '0.0.9' }));
    expect(code).toBe(3);
    expect(err).toContain('the plan was made by Reeve 0.0.9, and this is Reeve 0.1.0');
  });

  test('refuses a forced stop that is shown as a live change', async () => {
    const { code, err } = await tampered((plan) => ({
      ...plan,
      vms: plan.vms.map((v) => (v.action === 'delete' ? { ...v, action: 'update', disruption: 'live' } : v)),
    }));
    expect(code).toBe(3);
    expect(err).toContain('web-2 shows the action "update", and is "delete"');
  });

  test('refuses to remove /etc/fstab as a link', async () => {
    const { code, err } = await tampered((plan) => ({
      ...plan,
      operations: plan.operations.map((o) =>
        o.op.verb === 'undefine' ? { ...o, op: { ...o.op, links: ['/etc/fstab'] } } : o,
      ),
    }));
    expect(code).toBe(3);
    expect(err).toContain('/etc/fstab is no autostart link');
  });
});
