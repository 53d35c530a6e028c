/** Makes the sentences for what can go wrong between here and a server: every failure is a value with a reason and help. */
import type { Unknown } from '../core/port.ts';
import { table } from '../core/table.ts';
import { formatDuration, formatSize } from '../core/quantity.ts';

export const unknown = (reason: Unknown['reason'], why: string, help?: string): Unknown => ({
  is: 'unknown',
  reason,
  why,
  ...(help === undefined ? {} : { help }),
});

/** What Node and ssh2 put into their errors. */
interface Failure {
  readonly message: string;
  readonly code?: unknown;
  readonly level?: unknown;
}

const plain: Readonly<Record<string, string>> = table({
  ECONNREFUSED: 'the connection was refused',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'its network cannot be reached',
  EHOSTDOWN: 'the host is down',
  ECONNRESET: 'it reset the connection',
  EPIPE: 'it closed the connection',
});

const upAndReachable = (host: string, port: number): string =>
  `Is the server up, and does sshd listen on port ${port}? Try: ssh -p ${port} ${host}`;

/** An error of connecting or of logging in. `label` names the server for a person, like `dom01 (xen.lan)`. */
export const connectFailure = (label: string, host: string, port: number, error: Failure): Unknown => {
  const code = typeof error.code === 'string' ? error.code : '';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN' || code === 'EAI_NODATA')
    return unknown(
      'name-not-found',
      `${label}: the name ${host} is not known`,
      'Correct `address`, or add the name to DNS, /etc/hosts, or a HostName in ~/.ssh/config.',
    );
  if (code === 'ETIMEDOUT') return connectTimeout(label, host, port);
  const told = plain[code];
  if (told !== undefined) return unknown('unreachable', `${label}: ${told} (port ${port})`, upAndReachable(host, port));
  return unknown('unreachable', `${label}: no SSH connection: ${error.message}`, upAndReachable(host, port));
};

export const connectTimeout = (label: string, host: string, port: number): Unknown =>
  unknown('timeout', `${label}: no answer from port ${port} in time`, upAndReachable(host, port));

/** `part`: where the answer broke off. */
export const tooLate = (label: string, part: string | null): Unknown =>
  unknown(
    'timeout',
    `${label}: it did not answer in the time that it had${part === null ? '' : `: ${part}`}`,
    'Look at the load of the server and at the network between, or give readings more time with --read-timeout.',
  );

export const notWhole = (
  label: string,
  cut: 'silent' | 'too-big',
  { silentMs, most }: { readonly silentMs: number; readonly most: number },
  part: string | null,
): Unknown =>
  cut === 'silent'
    ? unknown(
        'timeout',
        `${label}: not a byte came for ${formatDuration(silentMs)}${part === null ? '' : `: ${part}`}`,
        'Look what hangs on the server.',
      )
    : unknown(
        'unparsable',
        `${label}: the answer is larger than ${formatSize(most / 1024)}`,
        'Look what makes it so large: reeve reads all of /etc/xen there.',
      );

export const lost = (label: string, why: string | undefined): Unknown =>
  unknown(
    'lost',
    `${label}: the connection was lost${why === undefined ? '' : `: ${why}`}`,
    'Run it again; Reeve reads what is there and plans anew.',
  );
