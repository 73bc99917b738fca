Feature: Execution

  Scenario: Successful execution with retries
    Given a workflow execution begins
    When a transient error occurs
    Then the engine retries
    And the workflow completes
    And a receipt is generated
