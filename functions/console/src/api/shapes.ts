// Types of answers' parts that the API's document describes as open values.

// An audit event, as the story of an execution has it.
export interface StoryEvent {
  id: string;
  type: string;
  time: string;
  actor?: string;
  data: Record<string, unknown>;
}

// A guardrail of a workflow.
export interface Guardrail {
  name: string;
  message?: string | null;
}

// A step of a workflow, as its state declares it.
export interface DeclaredStep {
  name: string;
  action?: string;
  timeout_s?: number;
  max_attempts?: number;
  undo?: unknown;
  for_each?: unknown;
}
