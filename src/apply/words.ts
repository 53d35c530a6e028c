/** What servers and commands say, made readable: what a failed command printed, who holds a lock, what a step does. */
import type { ExecResult, Holder, Unknown } from '../core/port.ts';
import { formatDuration } from '../core/quantity.ts';
import { causeFirst, tellingOf } from '../core/said.ts';
import type { ExecStep, ProbeStep, Step } from '../core/step.ts';

export { causeFirst as outputOf };

/** A command as a person reads it: a shell's text says less than what it was given. */
const lineOf = (argv: readonly string[]): string =>
  (argv[0] === 'sh' && argv[1] === '-c' ? ['sh', '-c', '…', ...argv.slice(3)] : argv).join(' ');

/** `timeout` ends a command with 124, or with 137 where it had to kill it; 137 may also be somebody else's kill. */
export const isLate = (step: ExecStep, { rc }: ExecResult, tookMs: number): boolean =>
  rc === 124 || (rc === 137 && tookMs >= step.deadlineMs);

/** `xl create -q /etc/xen/web.cfg failed (exit code 3): …` */
export const failureOf = (step: ExecStep, result: ExecResult, tookMs: number): string => {
  const how = isLate(step, result, tookMs)
    ? `did not end within ${formatDuration(step.deadlineMs)}`
    : `failed (exit code ${result.rc})`;
  const said = causeFirst(tellingOf(result.err, result.out)) || (step.exits?.[result.rc] ?? '');
  return `${lineOf(step.argv)} ${how}${said && `: ${said}`}`;
};

/** `dom1 is held by ann, since 2026-01-02T03:04:05Z, from desk` */
export const heldBy = (server: string, by: Holder | null): string =>
  by ? `${server} is held by ${by.who}, since ${by.since}, from ${by.from}` : `${server} is held by another run`;

export const outOfReach = (server: string, u: Unknown): string =>
  `${server} cannot be controlled: ${u.why}${u.help ? ` (${u.help})` : ''}`;

/** Blanks every secret, as it is and as JSON and quoting hold it; the longest first, since one may be part of another. */
export const maskOf = (secrets: ReadonlyMap<string, string>): ((text: string) => string) => {
  const forms = [...secrets.values()].flatMap((s) => [s, JSON.stringify(s).slice(1, -1)]);
  const words = [...new Set(forms)].filter((w) => w.trim() !== '').sort((a, b) => b.length - a.length);
  return (text) => words.reduce((t, w) => t.replaceAll(w, '***'), text);
};

/** `10.1.2.3:443`, `[2001:db8::1]:443` */
export const addressOf = ({ host, port }: Pick<ProbeStep, 'host' | 'port'>): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

/** What a step does to its server. */
export const doingOf = (step: Step): string => {
  switch (step.do) {
    case 'exec':
      return lineOf(step.argv);
    case 'write':
      return `write ${step.path}`;
    case 'remove':
      return `remove ${step.path}`;
    case 'upload':
      return `upload ${step.from}`;
    case 'probe':
      return `wait for an answer of ${addressOf(step)}`;
    case 'await':
      return 'wait';
  }
};
