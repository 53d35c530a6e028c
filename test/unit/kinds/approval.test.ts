/** An approval by class: what later plans it covers, and what it does not. */
import { describe, expect, test } from 'vitest';
import { approvalOf, approvalText, beyond, parseApproval } from '../../../src/kinds/approval.ts';
import type { Plan } from '../../../src/kinds/plan.ts';
import { empty, troubled, usual } from '../report/plans.ts';
import { everyVerb } from '../report/whole-vm.ts';

const classOf = (plan: Plan): string => approvalText(approvalOf(plan));
const parsed = (text: string) => {
  const approval = parseApproval(text);
  if (approval === null) throw new Error(`no approval: ${text}`);
  return approval;
};

describe('the class of a plan', () => {
  test('is what it touches, worst first', () => {
    expect(classOf(usual)).toBe('restart=db-1 live=web-1 none=web-4');
    expect(classOf(troubled)).toBe('stop=old-1 none=mail delete=old-1');
    expect(classOf(empty)).toBe('');
  });

  test.each([
    ['usual', usual],
    ['troubled', troubled],
    ['every verb', everyVerb],
  ])('is read back as it was written, and covers its own plan: %s', (_, plan) => {
    const text = classOf(plan);
    expect(approvalText(parsed(text))).toBe(text);
    expect(beyond(approvalOf(plan), parsed(text))).toEqual([]);
  });

  test('holds no name that would be another word of it', () => {
    const plan: Plan = { ...empty, fences: [{ server: 'a b,c=d;e', off: null, status: null, operations: [] }] };
    expect(classOf(plan)).toBe('fence=a%20b%2Cc%3Dd%3Be');
    expect(beyond(approvalOf(plan), parsed(classOf(plan)))).toEqual([]);
  });

  test.each(['worse=web', 'live', 'live=', 'live=a,,b', 'live=a=b', 'plan'])('%j is none', (text) => {
    expect(parseApproval(text)).toBeNull();
  });
});

describe('an approval', () => {
  test.each([
    ['the same', 'restart=db-1 live=web-1 none=web-4', []],
    ['worse than it comes', 'stop=db-1 restart=web-1 live=web-4', []],
    ['more VMs than it comes to', 'restart=db-1,x live=web-1 none=web-4,y delete=z', []],
    ['a lesser disruption', 'live=db-1,web-1 none=web-4', ['db-1: restart instead of live']],
    ['fewer VMs', 'restart=db-1 live=web-1', ['web-4 would be touched (none)']],
    [
      'nothing',
      '',
      ['db-1 would be touched (restart)', 'web-1 would be touched (live)', 'web-4 would be touched (none)'],
    ],
  ])('of %s', (_, text, over) => {
    expect([...beyond(approvalOf(usual), parsed(text))].sort()).toEqual(over);
  });

  test('of a stop is none of a deletion', () => {
    expect(beyond(approvalOf(troubled), parsed('stop=old-1 none=mail'))).toEqual([
      'old-1 would be deleted or detached',
    ]);
  });

  test('of one lost disk is none of another, nor of a fence', () => {
    const now = parsed('data-loss=a lose=/srv/a.raw,/srv/b.raw fence=dom01');
    expect(beyond(now, parsed('data-loss=a delete=a lose=/srv/a.raw'))).toEqual([
      '/srv/b.raw is a disk that would be lost',
      'dom01 would have to be down',
    ]);
  });
});
