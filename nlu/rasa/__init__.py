"""The Rasa project beside the service: its environment, training and measurement. The engine is `nlu.rasa_engine`."""
