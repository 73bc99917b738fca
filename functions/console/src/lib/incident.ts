// The executions of an incident.

interface Link {
  execution_id: string;
  generation: number;
}

// The links of the latest generation of each execution. Only that one can be decided, redriven or
// rolled back.
export function latestOf<T extends Link>(links: readonly T[]): T[] {
  const latest = new Map<string, number>();
  for (const { execution_id: id, generation } of links)
    latest.set(id, Math.max(generation, latest.get(id) ?? generation));
  return links.filter((link) => link.generation === latest.get(link.execution_id));
}
