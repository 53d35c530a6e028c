/** The command lines and steps that several operations share. `dom` is a domid, or the VM's name where people read it. */
import { formatDuration } from '../../../core/quantity.ts';
import type { Condition, ExecStep, News, Step } from '../../../core/step.ts';
import type { VmOp } from '../../../kinds/vm/ops.ts';
import { option } from '../../../core/shell-word.ts';
import { isRevived } from '../../../kinds/vm/state.ts';
import { settingOf } from '../../../kinds/vm/fields.ts';
import type { Domain } from '../../../kinds/vm/live.ts';
import type { VmConfig } from '../../../kinds/vm/spec.ts';
import { hasQemu } from './needs.ts';

/** Guests and dom0s can be slow: these are bounds, not expectations (ms). */
export const quickMs = 60_000;
export const deviceMs = 120_000;
export const createMs = 300_000;

export const exec = (argv: readonly string[], deadlineMs: number = quickMs): ExecStep => ({
  do: 'exec',
  argv,
  deadlineMs,
});

/** For commands whose failure is no news: what is awaited next tells. */
export const tried = (argv: readonly string[], deadlineMs: number = quickMs): ExecStep => ({
  ...exec(argv, deadlineMs),
  mayFail: true,
});

export const until = (condition: Condition, deadlineMs: number, otherwise: readonly Step[] = []): Step => ({
  do: 'await',
  until: condition,
  deadlineMs,
  otherwise,
});

export const createArgv = (path: string, paused: boolean): readonly string[] => [
  'xl',
  'create',
  '-q',
  ...(paused ? ['-p'] : []),
  path,
];

/** Its image goes before it runs: resumed a second time it would step back, beside disks that have gone on. */
export const wakeArgvs = (image: string | null, dom: string): readonly (readonly string[])[] => [
  ...(image === null ? [] : [['rm', '-f', image]]),
  ['xl', 'unpause', dom],
];

const destroyArgv = (dom: string): readonly string[] => ['xl', 'destroy', dom];
export const shutdownArgv = (dom: string): readonly string[] => ['xl', 'shutdown', dom];

/** xl says that QEMU did not start; why stands in QEMU's log. */
export const created = (path: string, paused: boolean, config: VmConfig): ExecStep => {
  const step = exec(createArgv(path, paused), createMs);
  return hasQemu(config) ? { ...step, explain: ['tail', '-n', '5', `/var/log/xen/qemu-dm-${config.name}.log`] } : step;
};

export const up = (uuid: string): Condition => ({ is: 'domain', uuid, state: 'up' });
export const gone = (uuid: string): Condition => ({ is: 'domain', uuid, state: 'gone' });

/** `xl destroy` stumbles over a monitor that is clearing away at the same time: being gone is what counts. */
export const destroyed = (d: Domain, news?: News): readonly Step[] => [
  { ...tried(destroyArgv(String(d.domid)), deviceMs), ...(news ? { news } : {}) },
  until(gone(d.uuid), quickMs),
];

type StopOp = Extract<VmOp, { verb: 'stop' }>;

const patience = ({ vm }: Pick<StopOp, 'vm'>): string =>
  `shut it down from inside, give it more time (\`shutdown: { within: 10m }\`), or let it be destroyed: ${option('--allow', `data-loss=${vm.name}`)}`;

const deaf = (deadlineMs: number): News => ({
  code: 'guest-destroyed',
  why: `it did not shut down within ${formatDuration(deadlineMs)}, and was destroyed`,
});
const restarting: News = {
  code: 'guest-destroyed',
  why: 'it starts again whenever it shuts down (on_poweroff), so it was destroyed',
};

/** How a guest that did not hear the first request is asked again: HVM is shown the power button. */
const againArgv = (d: Domain, first: readonly string[]): readonly string[] =>
  d.type === 'hvm' && d.pvDrivers === true ? ['xl', 'trigger', String(d.domid), 'power'] : first;

/**
 * Down and gone. `xl shutdown` fails where the guest does not answer within a minute, which one that still boots cannot
 * do: so it is asked a second time before it is destroyed or given up. HVM without PV drivers gets the power button at
 * once (`-F`), since nothing else reaches it. Where no monitor is known, or it is to preserve the domain, nobody clears an
 * ended one away but we.
 */
export const takenDown = (d: Domain, op: Pick<StopOp, 'vm' | 'deadlineMs' | 'force'>): readonly Step[] => {
  const { deadlineMs, force } = op;
  const dom = String(d.domid);
  // One that comes or goes for so long was left half made, by an xl that was killed.
  if (d.state === 'dying') return [until(gone(d.uuid), deviceMs, destroyed(d))];
  if (d.state === 'shutdown' || d.state === 'crashed') return destroyed(d);
  if (isRevived(d)) return destroyed(d, restarting);
  const ask = (argv: readonly string[]): ExecStep => tried(argv, 90_000);
  const first = d.type === 'hvm' ? ['xl', 'shutdown', '-F', dom] : shutdownArgv(dom);
  const cleared = d.monitored === true && settingOf(d.settings, 'on.poweroff') !== 'preserve';
  const down: Condition = cleared ? gone(d.uuid) : { is: 'domain', uuid: d.uuid, state: 'down' };
  const lastWay = force ? destroyed(d, deaf(deadlineMs)) : [];
  const asked: readonly Step[] = [
    ask(first),
    until(down, deadlineMs / 2, [
      ask(againArgv(d, first)),
      { ...until(down, deadlineMs / 2, lastWay), ...(force ? {} : { help: patience(op) }) },
    ]),
  ];
  return cleared ? asked : [...asked, ...destroyed(d)];
};
