/** The order in which test files begin. */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those named (`unit/x` for `test/unit/x.test.ts`) in this order, then the others. */
export const longestFirst = (names: readonly string[]): typeof BaseSequencer =>
  class extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const place = ({ moduleId }: TestSpecification): number => {
        const at = names.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
        return at < 0 ? names.length : at;
      };
      return files.toSorted((a, b) => place(a) - place(b));
    }
  };
