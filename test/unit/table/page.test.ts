/** The table of `src/README.md`: every field, what changing it costs on each type of guest, by which command, and how that is verified. `npm run schema` writes it anew. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { Condition } from '../../../src/core/step.ts';
import type { Operation, Plan } from '../../../src/kinds/plan.ts';
import type { Observed, ServerSeen } from '../../../src/kinds/server/live.ts';
import { fields } from '../../../src/kinds/vm/fields.ts';
import type { VmType } from '../../../src/kinds/vm/spec.ts';
import { defaultOptions, makePlan } from '../../../src/plan/index.ts';
import { xl } from '../../../src/toolstacks/xl/index.ts';
import { after, farm, observed, plan, server, tools } from '../plan/world.ts';
import { base, rows, type Row } from './rows.ts';

const readme = join(import.meta.dirname, '../../../src/README.md');
const [begin, end] = ['<!-- fields: written by `npm run schema` -->\n', '<!-- end of fields -->\n'];

/** What is read after an operation, in words. */
const words: Readonly<Record<Exclude<Condition['is'], 'domain'>, string>> = {
  'at-rest': 'nothing moves it',
  'name-free': 'the name is free',
  unsaved: 'no memory of it is kept',
  memory: 'the target is this, and `xl list` shows it (1 MiB + 1 %)',
  vcpus: '`xl list` shows so many',
  disk: 'its path, access and format, and its backend is connected (state 4)',
  'no-disk': 'it is gone',
  nic: '`ip link` has the vif on its bridge, with its rate and script; it is connected, or waits for the guest',
  'no-nic': 'it is gone',
  sched: 'the scheduler’s list says so',
  affinity: 'every vCPU’s affinity says so',
  cpupool: '`xl list -c` says so',
  'has-cpupool': 'the server has it',
  named: 'the domain has this name',
  cd: 'the drive has this medium',
  runs: 'the server runs this type',
  features: 'the CPU has what the VM may use',
  'has-qemu': 'the server has a QEMU',
  qemu: 'a QEMU serves it',
  bridge: 'the server has the bridge',
  path: 'the file is there',
  unused: 'no domain and no cfg has it',
  'no-path': 'nothing is there',
  record: 'the cfg’s digest',
  autostart: 'the link leads to the cfg, and no older one does',
  'no-autostart': 'no link leads to the cfg',
  given: 'the domain was given the cfg for its next reboot',
  'no-lease': 'the lease is not in the store any more',
  room: 'the server has the memory',
  mounted: 'it is mounted',
  folder: 'the folder answers',
  store: 'the store’s marker',
  unmarked: 'the store has no marker',
  stored: 'the size in the disk’s marker',
  owned: 'the disk’s marker',
  within: 'no link leads out of the store',
  booked: 'the server’s book of repositories',
  sends: 'the server has a key, and knows the peer',
  'sends-as': 'the server has the owner’s key, and knows the peer',
  receives: 'the server admits the key',
  'no-keys': 'no key of Reeve’s is left',
  'no-member': 'the server has no file of a pool',
  member: 'the server’s file of its pool',
};

const wordsOf = (c: Condition): string => (c.is === 'domain' ? `the domain is ${c.state}` : words[c.is]);

const everything = { ...defaultOptions, allow: [{ disruption: 'recreate' as const, pattern: '*' }] };

interface Cost {
  readonly disruption: string;
  readonly commands: readonly string[];
  readonly checks: readonly string[];
}

const costOf = (row: Row, type: VmType): Cost => {
  const start = observed({ a: server() });
  const from = farm([base(type, row.before)]);
  const seen: Observed = after(start, plan(from, start).operations);
  const to = farm([{ ...base(type, row.before), ...row.after }]);
  const p: Plan = makePlan(to, seen, everything, { ...tools, toolstack: xl });
  const here = seen.get('a') as ServerSeen;
  const own = (o: Operation): boolean => p.operations.length === 1 || o.op.verb !== 'define';
  const telling = p.operations.filter(own);
  const cost = p.vms[0]?.disruption ?? 'nothing';
  // Moved links follow the cfg's name; the rename is what the row is about.
  const shown = telling.filter((o) => row.field !== 'name' || o.op.verb === 'rename');
  const lowered = shown.map((o) => xl.lower(o.op, here, tools.secrets));
  return {
    disruption: cost,
    commands: shown.flatMap((o) => (o.op.verb === 'restart' ? ['restart'] : o.commands)),
    checks: [...new Set(lowered.flatMap((l) => ('after' in l ? l.after.map(wordsOf) : [])))],
  };
};

const cell = (text: string): string => text.replaceAll('|', '\\|');

/** The command of the cheapest of them: where a type needs a restart, its cell says so. */
const line = (row: Row): string => {
  const costs = new Map(row.types.map((type) => [type, costOf(row, type)] as const));
  const cheapest = [...costs.values()].find((c) => !c.commands.includes('restart')) ?? [...costs.values()][0];
  const name = row.note === undefined ? `\`${row.field}\`` : `\`${row.field}\`: ${row.note}`;
  const per = (['pv', 'pvh', 'hvm'] as const).map((type) => costs.get(type)?.disruption ?? '–');
  const commands = cheapest?.commands.map((c) => (c === 'restart' ? 'restart' : `\`${c}\``)).join(', ') ?? '';
  return `| ${[name, ...per, commands, cheapest?.checks.join('; ') ?? ''].map(cell).join(' | ')} |`;
};

const page = (): string =>
  [
    '| field | pv | pvh | hvm | command | verified by |',
    '|---|---|---|---|---|---|',
    ...rows.map((row) => line(row)),
    '',
  ].join('\n');

it('stands in src/README.md', async () => {
  const text = readFileSync(readme, 'utf8');
  const [head, rest] = text.split(begin);
  const tail = rest?.split(end)[1];
  if (head === undefined || tail === undefined) throw new Error(`src/README.md lacks ${begin} or ${end}`);
  await expect(`${head}${begin}\n${page()}\n${end}${tail}`).toMatchFileSnapshot(readme);
});

it('has a row for every setting', () => {
  const named = new Set(rows.map((r) => r.field));
  expect(fields.map((f) => f.name).filter((name) => !named.has(name))).toEqual([]);
});
