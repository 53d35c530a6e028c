/** What a failed command printed: the line with the cause comes first, whatever stands around it. */
import { describe, expect, it } from 'vitest';
import { causeFirst, tellingOf } from '../../../src/core/said.ts';
import * as words from '../../../src/sim/migrate-words.ts';

/** As xl 4.17 prints them to the end of a migration that fails. */
const sent = words.begun(5, 'pvh', 1220) + words.restoring('pvh');
const atHome = (code: number): string => words.notSuspended(5, 4711, words.transportEnded(4710, code));
const late = words.restored + words.acknowledged + words.permitted;

describe('a failed migration', () => {
  it.each([
    [
      'for want of room',
      sent + words.noRoom(3) + words.unmade(-3) + atHome(1),
      /^xc: error: Failed to populate physmap \(16 = Device or resource busy\): Internal error; /,
    ],
    [
      'for a name that is taken',
      sent + late + words.nameTakenHere(3, 'web') + words.refusedAtTarget(6),
      /^Domain 3:Domain with name "web" already exists\.; /,
    ],
    [
      'of a PV guest without shadow paging',
      words.begun(5, 'pv', 1220) +
        words.restoring('pv') +
        words.logdirty(5) +
        words.cutShort(3) +
        words.unmade(-3) +
        words.transportEnded(4710, 1) +
        words.failedToSuspend,
      /^xc: error: Failed to enable logdirty: 95,22,0 \(22 = Invalid argument\): Internal error; /,
    ],
    [
      'of a target that is gone',
      `${sent}Timeout, server dom02 not responding.\r\n${atHome(255)}`,
      /^Timeout, server dom02 not responding\.; /,
    ],
    [
      'of a connection that was closed late',
      `${sent}${words.restored}Connection to dom02 closed by remote host.\r\n${words.resuming(words.transportEnded(4710, 255))}`,
      /^Connection to dom02 closed by remote host\.; /,
    ],
    [
      'that ssh does not let through',
      `root@dom02: Permission denied (publickey).\r\n${words.noTransport(4710, 255)}`,
      /^root@dom02: Permission denied \(publickey\)\.; /,
    ],
  ])('%s begins with that', (_what, text, cause) => {
    expect(causeFirst(text)).toMatch(cause);
    expect(causeFirst(text).split('; ').length).toBeLessThanOrEqual(6);
  });
});

describe('a failure of another command', () => {
  it.each([
    ['1\n2\n3\n4\ncp: cannot stat /x\n6\n7\n8\n', 'cp: cannot stat /x; 1; 2; …; 7; 8'],
    ['one\nError: two\nthree\n', 'Error: two; one; three'],
    ['a failed\nan error\n', 'an error; a failed'],
    [Array.from({ length: 9 }, (_, i) => `error ${i}`).join('\n'), 'error 0; error 1; error 2; …; error 7; error 8'],
    [
      'WARNING: this is so\n  Volume group "vg0" not found\n  Cannot process volume group vg0\n',
      'Volume group "vg0" not found; Cannot process volume group vg0; WARNING: this is so',
    ],
  ])('%j', (text, said) => {
    expect(causeFirst(text)).toBe(said);
  });

  it.each([
    ['Parsing config from /etc/xen/a.cfg\n', 'an error\n', 'an error\n'],
    ['no\n', 'seen\n', 'no\n'],
    ['copying\n', 'cannot do it\n', 'cannot do it\n'],
    ['', '', ''],
    ['Parsing config from /x\n', '', 'Parsing config from /x\n'],
  ])('of two streams: %j and %j', (err, out, best) => {
    expect(tellingOf(err, out)).toBe(best);
  });
});
