/** The command lines and steps that several operations share. `dom` is a domid, or the VM's name where people read it. */
import type { Condition, ExecStep, Step } from '../../core/step.ts';
import type { Domain } from '../../kinds/vm/live.ts';

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
const destroyArgv = (dom: string): readonly string[] => ['xl', 'destroy', dom];
export const shutdownArgv = (dom: string): readonly string[] => ['xl', 'shutdown', dom];

export const gone = (uuid: string): Condition => ({ is: 'domain', uuid, state: 'gone' });

/** `xl destroy` stumbles over a monitor that is clearing away at the same time: being gone is what counts. */
export const destroyed = (d: Domain): readonly Step[] => [
  tried(destroyArgv(String(d.domid)), deviceMs),
  until(gone(d.uuid), quickMs),
];

/**
 * Down and gone. `xl shutdown` fails where the guest does not answer within a minute, which one that still boots cannot
 * do: so it is asked a second time before it is destroyed or given up. HVM is shown the power button as well. Without a
 * monitor nobody clears an ended domain away but we.
 */
export const takenDown = (d: Domain, deadlineMs: number, force: boolean): readonly Step[] => {
  const dom = String(d.domid);
  // One that comes or goes for so long was left half made, by an xl that was killed.
  if (d.state === 'dying') return [until(gone(d.uuid), deviceMs, destroyed(d))];
  if (d.state === 'shutdown' || d.state === 'crashed') return destroyed(d);
  const ask = (argv: readonly string[]): ExecStep => tried(argv, 90_000);
  const again = d.type === 'hvm' ? ['xl', 'shutdown', '-F', dom] : shutdownArgv(dom);
  const down: Condition = d.monitored === false ? { is: 'domain', uuid: d.uuid, state: 'ended' } : gone(d.uuid);
  const lastWay = force ? destroyed(d) : [];
  const asked: readonly Step[] = [
    ask(shutdownArgv(dom)),
    until(down, deadlineMs / 2, [ask(again), until(down, deadlineMs / 2, lastWay)]),
  ];
  return d.monitored === false ? [...asked, ...destroyed(d)] : asked;
};
