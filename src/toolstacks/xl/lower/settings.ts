/** What changes a setting of a running domain: memory, vCPUs, scheduling, pool and name. */
import { setsOf } from '../../../kinds/vm/cpus.ts';
import type { Condition, Lowered } from '../../../core/step.ts';
import { exec, deviceMs, quickMs } from './domain-steps.ts';
import { onDomain, type At, type Of, type Unsupported } from './lowering.ts';

export const setMemory = (op: Of<'set-memory'>, at: At): Lowered => {
  const { domain, seen } = at;
  const more = domain ? op.kib - domain.memory.actual : 0;
  // xl takes memory from dom0 for a new domain only, not for one that grows.
  const room: readonly Condition[] = more > 0 ? [{ is: 'room', kib: more + seen.memory.reclaimable }] : [];
  // A paused guest cannot balloon before it goes on.
  const reached: readonly Condition[] =
    domain?.state === 'paused' ? [] : [{ is: 'memory', uuid: op.uuid, kib: op.kib }];
  return onDomain(op, at, {
    before: room,
    steps: (_, dom) => [exec(['xl', 'mem-set', dom, `${op.kib / 1024}m`])],
    after: reached,
    afterMs: deviceMs,
  });
};

export const setVcpus = (op: Of<'set-vcpus'>, at: At): Lowered => {
  const beyond = op.count > at.seen.cpus ? ['-i'] : [];
  return onDomain(op, at, {
    steps: (_, dom) => [exec(['xl', 'vcpu-set', ...beyond, dom, String(op.count)])],
    after: [{ is: 'vcpus', uuid: op.uuid, online: op.count }],
    afterMs: deviceMs,
  });
};

/** Without the domain. Null: xl has no command for the weights of this scheduler. */
export const schedCommand = (scheduler: string): string | null =>
  scheduler === 'credit2' || scheduler === 'credit' ? `sched-${scheduler}` : null;

export const setSched = (op: Of<'set-sched'>, at: At): Lowered | Unsupported => {
  const { uuid, weight, cap } = op;
  const scheduler = op.scheduler === '' ? at.seen.scheduler : op.scheduler;
  const command = schedCommand(scheduler);
  if (command === null)
    return { unsupported: `the scheduler ${scheduler === '' ? 'is not known' : `${scheduler} has no weight and cap`}` };
  return onDomain(op, at, {
    steps: (_, dom) => [exec(['xl', command, '-d', dom, '-w', String(weight), '-c', String(cap)])],
    after: [{ is: 'sched', uuid, weight, cap }],
    afterMs: quickMs,
  });
};

/** One vCPU after the other: for `all` of them at once, xl exits 0 whatever comes of it. */
export const setAffinity = (op: Of<'set-affinity'>, at: At): Lowered => {
  const { uuid, hard, soft } = op;
  return onDomain(op, at, {
    steps: (d, dom) => {
      const softs = setsOf(soft, d.vcpus.max);
      return setsOf(hard, d.vcpus.max).map((cpus, n) =>
        exec(['xl', 'vcpu-pin', dom, String(n), cpus, softs[n] ?? 'all']),
      );
    },
    after: [{ is: 'affinity', uuid, hard, soft }],
    afterMs: quickMs,
  });
};

export const setCpupool = (op: Of<'set-cpupool'>, at: At): Lowered => {
  const { uuid, pool } = op;
  return onDomain(op, at, {
    before: [{ is: 'has-cpupool', name: pool }],
    steps: (_, dom) => [exec(['xl', 'cpupool-migrate', dom, pool])],
    after: [{ is: 'cpupool', uuid, pool }],
    afterMs: quickMs,
  });
};

export const rename = (op: Of<'rename'>, at: At): Lowered => {
  const { uuid, to } = op;
  return onDomain(op, at, {
    before: [{ is: 'name-free', name: to, uuid }],
    steps: (d, dom) => (d.name === to ? [] : [exec(['xl', 'rename', dom, to])]),
    after: [{ is: 'named', uuid, name: to }],
    afterMs: quickMs,
  });
};
