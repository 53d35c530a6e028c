/** Whatever the graph and whatever fails: every operation ends in exactly one way, and none runs before what it needs. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Operation } from '../../../src/kinds/plan.ts';
import { type Fault, domainOf, uuidOf, unknown } from './fake-control.ts';
import { define, operation, run, start, stop, vcpus } from './plans.ts';

const servers = ['dom1', 'dom2', 'dom3'];
const makers = [
  (vm: string, s: string) => start(vm, s),
  (vm: string, s: string) => stop(vm, s, true),
  (vm: string, s: string) => vcpus(vm, s, 2),
  (vm: string, s: string) => define(vm, s),
];

const node = fc.record({
  server: fc.nat(servers.length - 1),
  maker: fc.nat(makers.length - 1),
  vm: fc.nat(5),
  needs: fc.array(fc.nat(30), { maxLength: 3 }),
  fault: fc.option(
    fc.constantFrom<Fault>(
      { rc: 1, err: 'no' },
      { rc: 1, err: 'no', effect: true },
      'no-effect',
      'lost-before',
      'lost-after',
      'fenced',
      unknown('no route'),
    ),
    { freq: 3 },
  ),
  takes: fc.integer({ min: 1, max: 20_000 }),
});

const cancels = fc.record({
  stopAfter: fc.option(fc.nat(40), { freq: 2 }),
  detachAfter: fc.option(fc.nat(60), { freq: 2 }),
  busy: fc.option(fc.constantFrom(...servers), { freq: 3 }),
});

/** Each VM lives on one server; every need points backwards. */
const graphOf = (nodes: readonly { server: number; maker: number; vm: number; needs: readonly number[] }[]) =>
  nodes.map((n, i): Operation => {
    const server = servers[n.server] ?? 'dom1';
    const vm = `vm${n.vm}-${server}`;
    const make = makers[n.maker] ?? start;
    const needs = i === 0 ? [] : [...new Set(n.needs.map((k) => `op${k % i}`))];
    return operation(make(vm, server), needs, { id: `op${i}` });
  });

test('ends, order and limits', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(node, { maxLength: 20 }), cancels, async (nodes, c) => {
      const operations = graphOf(nodes);
      const faults = new Map(nodes.map((n, i) => [operations[i]?.op.name ?? '', n] as const));
      let events = 0;
      const started: string[] = [];
      const ended = new Map<string, string[]>();
      const active = new Set<string>();
      const problems: string[] = [];
      const byId = new Map(operations.map((o) => [o.id, o]));

      const { outcome } = await run(operations, {
        servers: Object.fromEntries(
          servers.map((s) => [
            s,
            { domains: [0, 1, 2].map((k) => domainOf(`vm${k}-${s}`, { uuid: uuidOf(`vm${k}-${s}`) })) },
          ]),
        ),
        fault: (argv) => faults.get(argv[1] ?? '')?.fault ?? undefined,
        takes: (argv) => faults.get(argv[1] ?? '')?.takes ?? 1,
        hold: c.busy === null ? {} : { [c.busy]: { is: 'busy', by: null } },
        on: (e, hands) => {
          if (events++ === c.stopAfter) hands.stop();
          if (events === c.detachAfter) {
            hands.stop();
            hands.detach();
          }
          if (!('op' in e) || e.ev === 'progress' || e.ev === 'warning') return;
          const o = byId.get(e.op);
          if (!o) return void problems.push(`an event of ${e.op}`);
          if (e.ev === 'started') {
            started.push(e.op);
            const unmet = o.needs.filter((id) => ended.get(id)?.[0] !== 'done');
            if (unmet.length > 0) problems.push(`${e.op} started before ${unmet.join()}`);
            const rivals = [...active].map((id) => byId.get(id)).filter((x) => x?.target.name === o.target.name);
            if (rivals.length > 0) problems.push(`two at once on ${o.op.name}`);
            active.add(e.op);
            const here = [...active].map((id) => byId.get(id)).filter((x) => x?.server === o.server);
            if (here.length > 8) problems.push(`nine at once on ${o.server}`);
            if (here.filter((x) => x?.op.verb === 'start').length > 1) problems.push(`two creates on ${o.server}`);
          } else {
            active.delete(e.op);
            ended.set(e.op, [...(ended.get(e.op) ?? []), e.ev]);
          }
        },
      });

      expect(problems).toEqual([]);
      expect(new Set(started).size).toBe(started.length);
      const all = [...outcome.done, ...[...outcome.failed, ...outcome.skipped, ...outcome.detached].map((r) => r.id)];
      expect(all.toSorted()).toEqual(operations.map((o) => o.id).toSorted());
      expect(outcome.done.map((id) => ended.get(id))).toEqual(outcome.done.map(() => ['done']));
      expect(outcome.failed.map((r) => ended.get(r.id))).toEqual(outcome.failed.map(() => ['failed']));
      expect(outcome.skipped.map((r) => ended.get(r.id))).toEqual(outcome.skipped.map(() => ['skipped']));
      expect(outcome.detached.map((r) => ended.get(r.id))).toEqual(outcome.detached.map(() => ['detached']));
      // Only what was started can have been done, have failed, or be left running.
      expect(started.toSorted()).toEqual(all.filter((id) => !outcome.skipped.some((s) => s.id === id)).toSorted());
    }),
    { numRuns: 300 },
  );
});
