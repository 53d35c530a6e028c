/** What an earlier run left running on a server ends before anything is planned from what is read there. */
import { isUnknown, type Control } from '../core/port.ts';
import { sortedBy } from '../core/order.ts';
import { seenOn, type Observed } from '../kinds/server/live.ts';
import { clean } from '../report/text.ts';
import { holder } from './carry-out.ts';
import type { Shell } from './shell.ts';

/** True: something was waited for, and what was read before is old. What another run is still doing is said, and not waited for. */
export const waitingFor =
  (shell: Shell, control: Control) =>
  async (observed: Observed): Promise<boolean> => {
    const left = [...observed.keys()].flatMap((server) => {
      const own = (seenOn(observed, server)?.underWay ?? []).filter((u) => u.ofRun);
      const doing = [...new Set(own.map((u) => u.doing))].filter((d) => d !== '').join(', ');
      return own.length === 0 ? [] : [{ server, doing }];
    });
    if (left.length === 0) return false;
    const who = holder(shell);
    const waited = await Promise.all(
      sortedBy(left, (l) => l.server).map(async ({ server, doing }) => {
        shell.err.write(`${clean(`${server}: waiting for what a run has left running there: ${doing}`)}\n`);
        const held = await control.hold(server, who);
        if (held.is === 'held') return true;
        const why = isUnknown(held)
          ? held.why
          : held.by
            ? `it is held by ${held.by.who}, since ${held.by.since}, from ${held.by.from}`
            : 'it is held by another run';
        shell.err.write(`${clean(`warning: ${server}: ${why}`)}\n`);
        return false;
      }),
    );
    await control.release();
    return waited.includes(true);
  };
