// The column that names an execution in a table, by its subject.
import type { ListedExecution } from '../../api/types';
import { SubjectLink } from '../links';
import type { Column } from '../table';

export const EXECUTION: Column<ListedExecution> = {
  title: 'Execution',
  heads: true,
  cell: ({ execution_id: id, subject, tenant }) => (
    <SubjectLink id={id} subject={subject} to="executions" tenant={tenant} />
  ),
};
